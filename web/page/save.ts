/** Gives people a file. */

/** Saves `content` under a name made of a title, without what file systems and terminals would misread. */
export function save(content: Blob, title: string, ending: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = `${fileName(title)}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Returns a harmless name: letters, digits, blanks and dashes of the title. */
export function fileName(title: string): string {
  const name = title
    .replace(/[^\p{L}\p{N} _-]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 60);
  return name || "conversation";
}
