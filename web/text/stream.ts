/** A text that grows, as nodes: blocks that are settled are left alone, and only the last one is read again. */

import type { Env, Token } from "markdown-it";
import { colour } from "./code.js";
import { markdown } from "./markdown.js";
import { draw } from "./math.js";
import { patch } from "./patch.js";
import { repaired } from "./repair.js";
import { Rows } from "./rows.js";
import { blocks, type Labels } from "./tree.js";

/** Characters of one block above which it is shown as plain rows. */
const LONGEST_BLOCK = 64_000;

/** Below this the parser leaves text out. */
const DEEPEST = 98;

export interface StreamLabels extends Labels {
  more(characters: number): string;
}

export class Stream {
  readonly #host: HTMLElement;
  readonly #labels: StreamLabels;
  #source = "";
  /** How much of the source is settled. */
  #settled = 0;
  /** The definitions of references in what is settled. */
  #references: NonNullable<Env["references"]> = {};
  /** The blocks of what is not settled. */
  #growing: HTMLElement[] = [];
  #rows: Rows | null = null;
  #inRows = 0;
  #frame = 0;
  #due = 0;
  #lateReferences = false;

  constructor(host: HTMLElement, labels: StreamLabels) {
    this.#host = host;
    this.#labels = labels;
  }

  get length(): number {
    return this.#source.length;
  }

  /** Adds text; it is shown with the next frame, or later if showing it is slow. */
  append(text: string): void {
    this.#source += text;
    this.#frame ||= requestAnimationFrame((now) => this.#onFrame(now));
  }

  /** Shows what has come so far. */
  show(): void {
    this.#flush(true);
  }

  /** Shows all of it, once nothing more comes. */
  finish(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    // A reference may be defined behind its use: then everything is read once more.
    if (this.#lateReferences && !this.#rows) this.#again();
    else this.#flush(false);
    for (const block of this.#growing.splice(0)) this.#settle(block);
    this.#settled = this.#source.length;
  }

  /** Forgets a text that was waiting to be shown. */
  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #onFrame(now: number): void {
    this.#frame = 0;
    if (now < this.#due) {
      this.#frame = requestAnimationFrame((later) => this.#onFrame(later));
      return;
    }
    const begun = performance.now();
    this.show();
    // Never more than a quarter of the time.
    const ended = performance.now();
    this.#due = ended + 3 * (ended - begun);
  }

  #again(): void {
    this.#settled = 0;
    this.#growing = [];
    this.#host.replaceChildren();
    this.#flush(false);
  }

  #flush(growing: boolean): void {
    if (this.#rows) {
      this.#rows.append(this.#source.slice(this.#inRows));
      this.#inRows = this.#source.length;
      return;
    }
    const rest = this.#source.slice(this.#settled);
    if (!rest) return;
    if (rest.length > LONGEST_BLOCK && !/\n\s*\n/.test(rest.slice(0, LONGEST_BLOCK))) {
      this.#toRows();
      return;
    }
    const env = { references: { ...this.#references } };
    const tokens = markdown.parse(growing ? repaired(rest) : rest, env);
    if (tokens.some((token) => token.level >= DEEPEST)) {
      this.#toRows();
      return;
    }
    const groups = grouped(tokens);
    const defines = Object.keys(env.references).length > Object.keys(this.#references).length;
    if (defines && this.#settled > 0) this.#lateReferences = true;
    groups.forEach((tokens, at) => {
      const block = this.#growing[at] ?? this.#add();
      patch(block, blocks(tokens, this.#labels));
    });
    for (const gone of this.#growing.splice(groups.length)) gone.remove();
    this.#move(rest, groups, defines);
  }

  /** Settles the blocks that more text cannot change: those before the last one that began on a whole line. */
  #move(rest: string, groups: Token[][], defines: boolean): void {
    const whole = rest.lastIndexOf("\n") + 1;
    for (let at = groups.length - 1; at > 0; at -= 1) {
      const line = groups[at]?.[0]?.map?.[0] ?? 0;
      const begin = offset(rest, line);
      if (line === 0 || begin >= whole) continue;
      this.#settled += begin;
      if (defines) markdown.parse(rest.slice(0, begin), { references: this.#references });
      for (const block of this.#growing.splice(0, at)) this.#settle(block);
      return;
    }
  }

  #toRows(): void {
    const block = this.#growing[0] ?? this.#add();
    block.replaceChildren();
    for (const gone of this.#growing.splice(1)) gone.remove();
    this.#rows = new Rows(block, (characters) => this.#labels.more(characters));
    this.#inRows = this.#settled;
    this.#flush(true);
  }

  #add(): HTMLElement {
    const block = document.createElement("div");
    block.className = "block";
    this.#host.append(block);
    this.#growing.push(block);
    return block;
  }

  /** Does what is worth doing once for a block that does not change any more. */
  #settle(block: HTMLElement): void {
    void colour(block);
    void draw(block);
  }
}

function grouped(tokens: Token[]): Token[][] {
  const groups: Token[][] = [];
  let level = 0;
  for (const token of tokens) {
    if (level === 0) groups.push([]);
    groups.at(-1)?.push(token);
    level += token.nesting;
  }
  return groups;
}

function offset(text: string, line: number): number {
  let at = 0;
  for (let passed = 0; passed < line; passed += 1) at = text.indexOf("\n", at) + 1;
  return at;
}
