/** The end of a text that is still being written: what is not closed yet is shown as if it were. Pure. */

/** Returns `text` with its last line closed: strong and code spans end, half a link is its words. */
export function repaired(text: string): string {
  const line = text.slice(text.lastIndexOf("\n") + 1);
  const before = text.slice(0, text.length - line.length);
  if (/^\s{0,3}(?:```|~~~)/.test(line) || (before.match(/^ {0,3}(?:```|~~~)/gm) ?? []).length % 2 === 1) return text;
  return before + closed(line);
}

function closed(line: string): string {
  if (/(?:^|\s)[*_~`$[]+$/.test(line)) return line.replace(/[*_~`$[]+$/, "");
  if (count(line, /`+/g) % 2 === 1) return `${line}\``;
  const link = /!?\[([^\]\n]*)(?:\]\([^)\s]*)?$/.exec(line);
  if (link && !/^\s*[-*+] \[[ x]?$/.test(line)) return closed(line.slice(0, link.index) + link[1]);
  if (count(line, /\*\*/g) % 2 === 1) return line.endsWith("*") ? `${line}*` : `${line.trimEnd()}**`;
  return line;
}

function count(text: string, what: RegExp): number {
  return (text.match(what) ?? []).length;
}
