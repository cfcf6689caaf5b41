/** Colours for code, put on once it is whole. */

import type { HLJSApi } from "highlight.js";
import { languageOf } from "./languages.js";
import { pieces } from "./odd.js";
import { sourceOf } from "./patch.js";

/** Characters of code above which it stays as it is. */
const LONGEST = 20_000;

/** What the highlighter knows of a text: pieces, and named groups of them. */
interface Group {
  scope?: string;
  children: (string | Group)[];
}

let loading: Promise<HLJSApi> | null = null;

/** Colours the code below `root` that is not coloured yet. */
export async function colour(root: ParentNode): Promise<void> {
  for (const element of root.querySelectorAll<HTMLElement>("code[data-lang]:not([data-drawn])")) {
    const language = languageOf(element.dataset.lang ?? "");
    const source = sourceOf(element);
    if (!language || source.length > LONGEST || pieces(source).length > 1) continue;
    element.dataset.drawn = "";
    loading ??= import("highlight.js/lib/core").then((module) => module.default);
    const [highlighter, { default: grammar }] = await Promise.all([loading, language.load()]);
    if (!highlighter.getLanguage(language.name)) highlighter.registerLanguage(language.name, grammar);
    const result = highlighter.highlight(source, { language: language.name, ignoreIllegals: true });
    if (sourceOf(element) === source) element.replaceChildren(...nodes(tree(result)));
  }
}

/** The result's HTML is a string; its tree is not public, so a test watches that it stays where it is. */
export function tree(result: object): Group {
  return (result as { _emitter: { rootNode: Group } })._emitter.rootNode;
}

function nodes(group: Group): Node[] {
  return group.children.map((child) => {
    if (typeof child === "string") return document.createTextNode(child);
    const span = document.createElement("span");
    const scope = child.scope?.split(".")[0] ?? "";
    if (/^[a-z_-]+$/.test(scope)) span.className = `hl-${scope}`;
    span.append(...nodes(child));
    return span;
  });
}
