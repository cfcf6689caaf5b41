/** The stored pictures of messages: fetched with the credential, since an `<img>` cannot send one. */

import type { Rest } from "../client/index.js";

/** Files that are kept at once; the oldest is let go. */
const MOST = 60;

export class Pictures {
  readonly #rest: Rest;
  readonly #urls = new Map<string, Promise<string | null>>();

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** Returns an address that this page alone can show, null if the file is gone. */
  url(file: string): Promise<string | null> {
    const known = this.#urls.get(file);
    if (known) return known;
    const found = this.#fetch(file);
    this.#urls.set(file, found);
    const [oldest] = this.#urls.keys();
    if (this.#urls.size > MOST && oldest !== undefined) this.#forget(oldest);
    return found;
  }

  async #fetch(file: string): Promise<string | null> {
    try {
      const answer = await this.#rest.raw("GET", `/v1/files/${encodeURIComponent(file)}/content`);
      return URL.createObjectURL(await answer.blob());
    } catch {
      return null;
    }
  }

  #forget(file: string): void {
    const url = this.#urls.get(file);
    this.#urls.delete(file);
    void url?.then((found) => found && URL.revokeObjectURL(found));
  }
}
