/** From tokens to a tree of allowed elements and attributes: nothing that is not listed here can be made of a text. Pure. */

import type { Token } from "markdown-it";
import { address, deceptive } from "./links.js";
import { label, pieces, plain } from "./odd.js";

/** An element; `raw` is its exact text, where that is not what it shows. */
export interface Branch {
  tag: string;
  attributes: Record<string, string>;
  children: Tree[];
  raw?: string;
}

export type Tree = string | Branch;

/** The words on what a text cannot say itself. */
export interface Labels {
  copy: string;
  image(host: string): string;
}

const TAGS = new Set("p h1 h2 h3 h4 h5 h6 ul ol li blockquote table thead tbody tr th td em strong s a".split(" "));

function branch(tag: string, attributes: Record<string, string>, children: Tree[]): Branch {
  return { tag, attributes, children };
}

/** Returns what block tokens become. */
export function blocks(tokens: readonly Token[], labels: Labels): Tree[] {
  const root: Tree[] = [];
  const open: Tree[][] = [root];
  for (const token of tokens) {
    const here = open.at(-1) as Tree[];
    if (token.type === "inline") here.push(...inline(token.children ?? [], labels));
    else if (token.type === "fence" || token.type === "code_block") here.push(code(token, labels));
    else if (token.type === "math_block") here.push(formula(token, true));
    else if (token.type === "hr") here.push(branch("hr", {}, []));
    else if (token.nesting === 1) {
      // The paragraphs of tight lists are not shown.
      const made = token.hidden ? null : element(token);
      if (made) here.push(made);
      open.push(made?.children ?? here);
    } else if (token.nesting === -1 && open.length > 1) open.pop();
  }
  return root;
}

function element(token: Token): Branch {
  const tag = TAGS.has(token.tag) ? token.tag : "div";
  const attributes: Record<string, string> = {};
  const start = tag === "ol" ? attribute(token, "start") : "";
  if (/^\d{1,9}$/.test(start)) attributes.start = start;
  const align = /^text-align:(left|right|center)$/.exec(attribute(token, "style"))?.[1];
  if (align) attributes.class = align;
  if (/^(?:p|h[1-6]|li|blockquote|td|th)$/.test(tag)) attributes.dir = "auto";
  return branch(tag, attributes, []);
}

function attribute(token: Token, name: string): string {
  return String(token.attrGet(name) ?? "");
}

function inline(tokens: readonly Token[], labels: Labels): Tree[] {
  const root: Tree[] = [];
  const open: Tree[][] = [root];
  for (const token of tokens) {
    const here = open.at(-1) as Tree[];
    if (token.type === "code_inline") here.push(branch("code", { dir: "ltr" }, shown(token.content)));
    else if (token.type === "softbreak") here.push("\n");
    else if (token.type === "hardbreak") here.push(branch("br", {}, []));
    else if (token.type === "image") here.push(picture(token, labels));
    else if (token.type === "math_inline") here.push(formula(token, false));
    else if (token.nesting === 1) {
      const made = token.tag === "a" ? branch("a", {}, []) : element(token);
      if (token.tag === "a") made.raw = attribute(token, "href");
      here.push(made);
      open.push(made.children);
    } else if (token.nesting === -1 && open.length > 1) {
      open.pop();
      const closed = (open.at(-1) as Tree[]).at(-1);
      if (token.tag === "a" && typeof closed === "object") link(closed);
    } else if (token.content) here.push(...shown(token.content));
  }
  return root;
}

/** Makes a link of one whose words are known, or mere words where its address may not be one. */
function link(made: Branch): void {
  const href = address(made.raw ?? "");
  delete made.raw;
  made.children = made.children.filter((child) => typeof child === "string" || child.attributes.class !== "odd");
  if (href === null) {
    made.tag = "span";
    return;
  }
  made.attributes = { href, rel: "noopener noreferrer nofollow", target: "_blank" };
  const host = deceptive(words(made.children), href);
  if (host !== null) made.attributes["data-host"] = host;
}

/** A picture is never fetched by itself: its address could carry away what was said. */
function picture(token: Token, labels: Labels): Tree {
  const alt = plain(token.content || "");
  const href = address(attribute(token, "src"));
  if (href === null || !/^https?:/.test(href)) return alt;
  const host = new URL(href).hostname;
  const attributes = { href, class: "picture", rel: "noopener noreferrer nofollow", target: "_blank" };
  return branch("a", attributes, [alt ? `${labels.image(host)} (${alt})` : labels.image(host)]);
}

function code(token: Token, labels: Labels): Branch {
  const language = plain((token.info || "").trim().split(/\s+/)[0] ?? "").slice(0, 30);
  const text = branch("code", language ? { "data-lang": language } : {}, shown(token.content));
  text.raw = token.content;
  const button = branch("button", { type: "button", class: "copy", "data-do": "copy" }, [labels.copy]);
  const bar = branch("div", { class: "bar" }, [branch("span", {}, [language || "text"]), button]);
  return branch("div", { class: "code", dir: "ltr" }, [bar, branch("pre", { tabindex: "0" }, [text])]);
}

function formula(token: Token, display: boolean): Branch {
  const attributes: Record<string, string> = { class: "math", "data-tex": token.content };
  if (display) attributes["data-display"] = "";
  const made = branch("span", attributes, [token.markup]);
  made.raw = token.markup;
  return made;
}

function shown(text: string): Tree[] {
  return pieces(text).map((one) =>
    typeof one === "string" ? one : branch("span", { class: "odd", "data-odd": one.chip }, [label(one.chip)]),
  );
}

function words(trees: readonly Tree[]): string {
  return trees.map((one) => (typeof one === "string" ? one : words(one.children))).join("");
}
