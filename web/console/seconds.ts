/** The last minutes second by second, as `/admin/now` tells them, gathered for plots. No DOM. */

export interface Second {
  at: string;
  started: number;
  ended: number;
  failed: number;
  limited: number;
  refused: number;
  faults: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
  first_text_seconds: number | null;
  slowest_first_text_seconds: number | null;
}

export interface Now {
  as_of: string;
  answers_running: number;
  sockets_open: number;
  seconds: Second[];
}

export type Count = Exclude<keyof Second, "at">;

/** How many seconds are shown. */
export const SHOWN = 300;

/** Keeps what the server told; its clock counts, not the browser's. */
export class Seconds {
  #known = new Map<number, Second>();
  #running = new Map<number, number>();
  #now = 0;

  /** Takes an answer of `/admin/now`. */
  add(news: Now): void {
    this.#now = Math.floor(Date.parse(news.as_of) / 1000);
    for (const one of news.seconds) this.#known.set(Date.parse(one.at) / 1000, one);
    this.#running.set(this.#now, news.answers_running);
    const oldest = this.#now - SHOWN;
    for (const at of this.#known.keys()) if (at < oldest) this.#known.delete(at);
    for (const at of this.#running.keys()) if (at < oldest) this.#running.delete(at);
  }

  /** From when on to ask for: the newest second may still have grown. */
  get since(): string {
    return new Date((this.#now - 5) * 1000).toISOString();
  }

  /** The seconds of the plots, the oldest first; the one of now is not over. */
  get times(): number[] {
    return Array.from({ length: SHOWN }, (_, index) => this.#now - SHOWN + index);
  }

  /** Returns a count for each of `times`; where nothing happened, nothing was counted. */
  counts(name: Count): (number | null)[] {
    const absent = name.includes("first_text") ? null : 0;
    return this.times.map((at) => this.#known.get(at)?.[name] ?? absent);
  }

  /** Returns how many answers ran at each of `times`, as far as this page was there to ask. */
  running(): (number | null)[] {
    return this.times.map((at) => this.#running.get(at) ?? null);
  }

  /** Returns the sum of a count over the last `seconds`. */
  sum(name: Count, seconds: number): number {
    return this.counts(name)
      .slice(-seconds)
      .reduce<number>((sum, value) => sum + (value ?? 0), 0);
  }

  /** Returns the middle of a value over the last `seconds`; null if there was none. */
  middle(name: Count, seconds: number): number | null {
    const values = this.counts(name)
      .slice(-seconds)
      .filter((value) => value !== null)
      .sort((one, other) => one - other);
    return values[Math.floor(values.length / 2)] ?? null;
  }
}
