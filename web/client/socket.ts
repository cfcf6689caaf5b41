/** One WebSocket: opened with the credential, known to be alive, and said to be gone once. */

import type { Frame } from "./protocol.js";

const QUIET = 20_000;
const ANSWER_WITHIN = 8_000;

export interface Ears {
  opened(): void;
  frame(frame: Frame): void;
  /** Called once, whether it was ever open or not. */
  gone(code: number, opened: boolean): void;
}

export class Socket {
  readonly #socket: WebSocket;
  readonly #ears: Ears;
  #over = false;
  #opened = false;
  #probe: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, secret: string | null, ears: Ears) {
    this.#ears = ears;
    const protocols = secret ? ["parley.v1", `openai-insecure-api-key.${secret}`] : [];
    this.#socket = new WebSocket(url, protocols);
    this.#socket.onopen = () => {
      this.#opened = true;
      this.#listen(QUIET);
      ears.opened();
    };
    this.#socket.onmessage = (message) => {
      this.#listen(QUIET);
      ears.frame(JSON.parse(message.data as string) as Frame);
    };
    this.#socket.onclose = (event) => this.#end(event.code);
  }

  send(frame: Frame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** Asks whether the other side is there; without an answer within `patience` milliseconds the socket is gone. */
  ask(patience = ANSWER_WITHIN): void {
    this.send({ type: "parley:ping" });
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => this.close(1006), patience);
  }

  /** Closes, and does not wait for a network that may be dead. */
  close(code = 1000): void {
    this.#socket.close();
    this.#end(code);
  }

  #listen(quiet: number): void {
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => this.ask(), quiet);
  }

  #end(code: number): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#probe);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#ears.gone(code, this.#opened);
  }
}
