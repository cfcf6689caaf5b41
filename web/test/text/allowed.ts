/** What a text may become, as a walk over the nodes says. */

const TAGS = new Set(
  "div p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code table thead tbody tr th td em strong s a br hr span button".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "class dir start href rel target type tabindex data-lang data-host data-odd data-tex data-display data-do data-drawn".split(
    " ",
  ),
);
const SCHEMES = /^(?:https?|mailto|tel):/;

/** Returns what below `root` is not on the list. */
export function strangers(root: Element): string[] {
  const found: string[] = [];
  for (const element of root.querySelectorAll("*")) {
    if (!TAGS.has(element.localName)) found.push(`<${element.localName}>`);
    for (const name of element.getAttributeNames()) {
      if (!ATTRIBUTES.has(name)) found.push(`${element.localName} ${name}`);
    }
    const href = element.getAttribute("href");
    if (href !== null && !SCHEMES.test(href)) found.push(href);
  }
  return found;
}
