/** A unified diff, line by line. */

import { html, type TemplateResult } from "lit";

/** Returns the lines, each said to be new or gone by its sign and its colour. */
export function shown(diff: string): TemplateResult {
  if (!diff) return html`<p class="quiet">They do not differ.</p>`;
  const lines = diff.split("\n").map((line) => html`<span class=${kind(line)}>${line}</span>\n`);
  return html`<pre tabindex="0" aria-label="Differences">${lines}</pre>`;
}

function kind(line: string): string {
  if (line.startsWith("+")) return "ok";
  return line.startsWith("-") ? "bad" : "";
}
