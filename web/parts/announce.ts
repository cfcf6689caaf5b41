/** What is said to people who hear the page: not each word as it comes, but that an answer comes, and then what it says. Pure. */

import { t } from "../words/index.js";
import type { Message } from "./chat.js";

const LONGEST = 600;

/** Returns what is to be said when an answer is, or has become, as it is. */
export function announced(answer: Message, name: string): string {
  if (answer.state !== "done") return t("answering", { name });
  return t("answered", { name, text: spoken(answer.text) });
}

function spoken(text: string): string {
  const plain = text.replace(/```[\s\S]*?(?:```|$)/g, " ").replace(/[*_`#>|]+/g, "");
  if (plain.length <= LONGEST) return plain.trim();
  const paragraphs = text.split(/\n\s*\n/).length;
  const first = plain.slice(0, 200);
  const cut = Math.max(first.lastIndexOf(". "), first.lastIndexOf("。"), 80);
  return t("longAnswer", { text: first.slice(0, cut + 1).trim(), n: paragraphs });
}
