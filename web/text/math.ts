/** Formulas: their delimiters as rules of the parser, and their drawing, which is loaded when it is needed. */

import type { MarkdownIt as Parser } from "markdown-it";

/** Characters of a formula above which it is shown as its source. */
const LONGEST = 2_000;

const BLOCKS: readonly [string, string][] = [
  ["$$", "$$"],
  ["\\[", "\\]"],
];

/** Adds `\(…\)`, `\[…\]`, `$$…$$` and, where it can mean nothing else, `$…$`. */
export function math(md: Parser): void {
  md.inline.ruler.before("escape", "math", (state, silent) => {
    const found = inline(state.src, state.pos);
    if (!found) return false;
    if (!silent) {
      const token = state.push("math_inline", "", 0);
      token.content = found.tex;
      token.markup = state.src.slice(state.pos, found.end);
    }
    state.pos = found.end;
    return true;
  });
  md.block.ruler.before(
    "paragraph",
    "math_block",
    (state, start, end, silent) => {
      const from = (state.bMarks[start] ?? 0) + (state.tShift[start] ?? 0);
      const pair = BLOCKS.find(([open]) => state.src.startsWith(open, from));
      if (!pair || (state.sCount[start] ?? 0) - state.blkIndent >= 4) return false;
      const [open, close] = pair;
      for (let line = start; line < end; line += 1) {
        const text = state.src
          .slice(line === start ? from + open.length : state.bMarks[line], state.eMarks[line])
          .trimEnd();
        if (!text.endsWith(close)) {
          if (text === "" && line > start) return false;
          continue;
        }
        if (silent) return true;
        const token = state.push("math_block", "", 0);
        token.markup = state.src.slice(from, state.eMarks[line]);
        token.content = token.markup.trimEnd().slice(open.length, -close.length).trim();
        token.map = [start, line + 1];
        state.line = line + 1;
        return true;
      }
      return false;
    },
    { alt: ["paragraph"] },
  );
}

function inline(src: string, at: number): { tex: string; end: number } | null {
  for (const [open, close] of [["\\(", "\\)"], ...BLOCKS] as const) {
    if (!src.startsWith(open, at)) continue;
    const rest = src.slice(at + open.length, at + LONGEST);
    const end = rest.indexOf(close);
    if (end < 1) return null;
    return { tex: rest.slice(0, end), end: at + open.length + end + close.length };
  }
  return src[at] === "$" ? dollars(src, at) : null;
}

/** Pandoc's rule, and a sign that only TeX has: `$5 to $10` is money. */
function dollars(src: string, at: number): { tex: string; end: number } | null {
  const found = /^\$(?![\s$])((?:\\.|[^$\n\\]){0,500}?)(?<!\s)\$(?!\d)/.exec(src.slice(at, at + 504));
  const tex = found?.[1];
  if (!found || !tex || !/[\\^_={}]|^[a-zA-Z]$/.test(tex)) return null;
  return { tex, end: at + found[0].length };
}

/** Draws the formulas below `root` that are not drawn yet. What cannot be drawn stays as its source. */
export async function draw(root: ParentNode): Promise<void> {
  const waiting = [...root.querySelectorAll<HTMLElement>(".math:not([data-drawn])")];
  if (waiting.length === 0) return;
  const { default: temml } = await import("temml");
  for (const one of waiting) {
    const tex = one.dataset.tex ?? "";
    one.dataset.drawn = "";
    if (tex.length > LONGEST) continue;
    const source = [...one.childNodes];
    try {
      const options = {
        displayMode: one.dataset.display !== undefined,
        trust: false,
        maxExpand: 100,
        throwOnError: true,
      };
      temml.render(tex, one, options);
    } catch {
      one.replaceChildren(...source);
    }
  }
}
