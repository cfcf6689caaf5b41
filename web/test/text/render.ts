/** Texts as nodes, for tests. */

import { Stream } from "../../text/stream.js";

export const LABELS = {
  copy: "Copy",
  image: (host: string) => `Image from ${host}`,
  more: (n: number) => `${n} more`,
};

/** Returns an element with the text, that came in these pieces. */
export function rendered(...pieces: string[]): HTMLElement {
  const host = document.createElement("div");
  const stream = new Stream(host, LABELS);
  for (const piece of pieces) {
    stream.append(piece);
    stream.show();
  }
  stream.finish();
  return host;
}
