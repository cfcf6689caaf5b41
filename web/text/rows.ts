/** Very long text without a paragraph's end: plain rows, each drawn only when it is near the window. */

import { symbols } from "./odd.js";

const ROW = 6_000;
/** Characters that are shown at once; the others wait to be asked for. */
const SHOWN = 300_000;

export class Rows {
  readonly #host: HTMLElement;
  readonly #more: (characters: number) => string;
  #held: string[] = [];
  #heldLength = 0;
  #shown = 0;
  #all = false;
  #button: HTMLButtonElement | null = null;

  /** Writes into `host`; `more` says what the button says that shows the rest. */
  constructor(host: HTMLElement, more: (characters: number) => string) {
    this.#host = host;
    this.#more = more;
    host.classList.add("rows");
  }

  append(text: string): void {
    const room = this.#all ? text.length : Math.max(0, SHOWN - this.#shown);
    this.#show(text.slice(0, room));
    if (room < text.length) this.#hold(text.slice(room));
  }

  #show(text: string): void {
    this.#shown += text.length;
    for (let from = 0; from < text.length; ) {
      const last = this.#host.querySelector(".row:last-of-type")?.firstChild as Text | null | undefined;
      const room = last && last.length < ROW ? ROW - last.length : ROW;
      const piece = symbols(text.slice(from, from + room));
      if (last && last.length < ROW) last.appendData(piece);
      else {
        const row = document.createElement("div");
        row.className = "row";
        row.dir = "auto";
        row.append(piece);
        this.#host.insertBefore(row, this.#button);
      }
      from += room;
    }
  }

  #hold(text: string): void {
    this.#held.push(text);
    this.#heldLength += text.length;
    if (!this.#button) {
      this.#button = document.createElement("button");
      this.#button.type = "button";
      this.#button.addEventListener("click", () => this.#showAll());
      this.#host.append(this.#button);
    }
    this.#button.textContent = this.#more(this.#heldLength);
  }

  #showAll(): void {
    this.#button?.remove();
    this.#button = null;
    this.#all = true;
    const held = this.#held.join("");
    this.#held = [];
    this.#show(held);
  }
}
