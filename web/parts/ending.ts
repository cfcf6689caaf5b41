/** What is said of an answer that has not begun, or did not end as it should. Pure. */

import { t } from "../words/index.js";
import type { End, Message } from "./chat.js";

export function waiting(message: Message): string {
  if (message.state === "waiting") return t("queued", { n: message.position ?? 1 });
  return message.state === "sending" ? t("sending") : t("thinking");
}

export function ending(end: End): string {
  switch (end.kind) {
    case "stopped":
      return t("stopped");
    case "length":
      return t("lengthLimit");
    case "filtered":
      return t("filtered");
    case "broken":
      return t("broken");
    case "unfinished":
      return t("unfinished");
    case "failed":
      return t("failed", { why: end.error.message });
    case "refused":
      return t("refused", { why: end.error.message });
  }
}
