/** From a tree to nodes, keeping those that are there: what is selected in a text stays selected while it grows. */

import type { Tree } from "./tree.js";

/** The exact text of elements that do not show it as it is: of code that was coloured, of formulas that were drawn. */
const exact = new WeakMap<Element, string>();

/** Returns the exact text of a piece of code. */
export function sourceOf(element: Element): string {
  return exact.get(element) ?? element.textContent ?? "";
}

/** Makes the children of `parent` those of `trees`. */
export function patch(parent: Element | DocumentFragment, trees: readonly Tree[]): void {
  trees.forEach((tree, at) => {
    const node = parent.childNodes[at];
    if (!node) parent.append(made(tree));
    else if (typeof tree === "string") patchText(node, tree);
    else if (node instanceof Element && node.localName === tree.tag) {
      attributes(node, tree.attributes);
      children(node, tree.children, tree.raw);
    } else node.replaceWith(made(tree));
  });
  while (parent.childNodes.length > trees.length) parent.lastChild?.remove();
}

function patchText(node: ChildNode, text: string): void {
  if (!(node instanceof Text)) node.replaceWith(document.createTextNode(text));
  else if (node.data !== text) {
    if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
    else node.data = text;
  }
}

function children(element: Element, trees: readonly Tree[], raw: string | undefined): void {
  if (raw !== undefined) {
    if (exact.get(element) === raw) return;
    exact.set(element, raw);
    // Colours and drawings are made anew of the new text.
    element.removeAttribute("data-drawn");
  }
  patch(element, trees);
}

function attributes(element: Element, wanted: Readonly<Record<string, string>>): void {
  for (const name of element.getAttributeNames()) {
    if (!(name in wanted) && name !== "data-drawn") element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}

function made(tree: Tree): Node {
  if (typeof tree === "string") return document.createTextNode(tree);
  const element = document.createElement(tree.tag);
  attributes(element, tree.attributes);
  children(element, tree.children, tree.raw);
  return element;
}
