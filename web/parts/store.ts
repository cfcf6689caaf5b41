/** State that several parts look at. */

import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Something that tells when it has changed. */
export class Changing {
  readonly #heard = new Set<() => void>();

  /** Calls `listener` after each change, until what is returned is called. */
  onchange(listener: () => void): () => void {
    this.#heard.add(listener);
    return () => this.#heard.delete(listener);
  }

  protected changed(): void {
    for (const listener of this.#heard) listener();
  }
}

/** Renders its host anew whenever what it watches has changed. */
export class Watch implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #watched: Changing | null = null;
  #forget: () => void = () => {};

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  /** Watches `one` in place of what was watched before. */
  on(one: Changing | null): void {
    if (one === this.#watched) return;
    this.#forget();
    this.#watched = one;
    this.#forget = one?.onchange(() => this.#host.requestUpdate()) ?? (() => {});
  }

  hostConnected(): void {
    const watched = this.#watched;
    this.#watched = null;
    this.on(watched);
  }

  hostDisconnected(): void {
    this.#forget();
  }
}
