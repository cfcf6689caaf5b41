/** Characters that are not seen, or that turn text round, made visible. Pure. */

// Direction marks and overrides, zero width, the tags that smuggle text, C1 controls. Joiners stay: scripts and emoji need them.
const HIDDEN =
  /[\u0080-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
const EITHER = new RegExp(`${HIDDEN.source}`, "gu");

/** A character that is shown by its number. */
export interface Chip {
  chip: string;
}

/** Returns text with control characters as their symbols, which are as long. */
export function symbols(text: string): string {
  return text.replace(CONTROLS, (one) => String.fromCodePoint(one === "\u007f" ? 0x2421 : 0x2400 + one.charCodeAt(0)));
}

/** Returns text without what is not seen, for names and the words of links. */
export function plain(text: string): string {
  return symbols(text).replace(EITHER, "");
}

/** Returns text in pieces, with each hidden character as a chip. */
export function pieces(text: string): (string | Chip)[] {
  if (!HIDDEN.test(text)) return [symbols(text)];
  const found: (string | Chip)[] = [];
  let last = 0;
  for (const one of text.matchAll(EITHER)) {
    if (one.index > last) found.push(symbols(text.slice(last, one.index)));
    found.push({ chip: one[0] });
    last = one.index + one[0].length;
  }
  if (last < text.length) found.push(symbols(text.slice(last)));
  return found;
}

/** Returns what a chip says. */
export function label(chip: string): string {
  return `U+${chip.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`;
}
