/** `@parley/client`: answers that stream to a browser, whatever becomes of its connections. No dependencies. */

import { Credential, type Source } from "./credential.js";
import { ParleyError } from "./errors.js";
import { Follow, type FollowEvent } from "./follow.js";
import type { Frame, Usage } from "./protocol.js";
import { Rest } from "./rest.js";
import { type Command, Session, type Standing } from "./session.js";
import { Socket } from "./socket.js";
import { type Listener, Turn } from "./turn.js";
import { onWake } from "./wake.js";

export type { Secret, Source } from "./credential.js";
export { ParleyError } from "./errors.js";
export type { FollowEvent } from "./follow.js";
export type * from "./protocol.js";
export type { Rest } from "./rest.js";
export type { Standing } from "./session.js";
export type { TurnEvent } from "./turn.js";

/** Members of `response.create`; docs/protocol.md lists them. */
export interface Request {
  input?: unknown;
  model?: string;
  prompt?: { id: string; version?: string; variables?: Record<string, string> };
  conversation?: string;
  client_request_id?: string;
  [more: string]: unknown;
}

export interface Options {
  /** Where the server is, such as `https://chat.example.org`. */
  server: string;
  /** Where the secret comes from; without one, a cookie of the page says who asks. */
  credential?: Source;
}

/** An answer that was asked for. */
export interface Asked {
  /** Null until it was accepted. */
  readonly responseId: string | null;
  /** Stops it at what was said; before it was accepted, as soon as it is. */
  stop(): void;
}

/** How quickly a connection must answer after the device woke, in milliseconds. */
const AWAKE_WITHIN = 3_000;

export class Parley {
  readonly rest: Rest;
  /** Called whenever the caps are told. */
  onusage: (usage: Usage) => void = () => {};
  /** Called whenever the connection stands otherwise. */
  onstanding: (standing: Standing) => void = () => {};
  readonly #server: string;
  readonly #credential: Credential;
  readonly #session = new Session();
  readonly #forget: () => void;
  #socket: Socket | null = null;
  #attempt: ReturnType<typeof setTimeout> | undefined;
  #said: Standing = { state: "none" };
  #closed = false;

  constructor(options: Options) {
    this.#server = options.server;
    this.#credential = new Credential(options.credential ?? (async () => null));
    this.rest = new Rest(this.#server, this.#credential);
    this.#forget = onWake(() => this.wake());
  }

  get standing(): Standing {
    return this.#session.standing;
  }

  /** Connects, and stays connected from now on. */
  open(): void {
    this.#do(this.#session.keep(Date.now()));
  }

  /** Sends a message; `listener` hears its answer, `ended` or `failed` last. Sent and charged once, however often the connection goes. */
  send(request: Request, listener: Listener): Asked {
    const frame = { client_request_id: unique(), ...request, type: "response.create" } as Frame;
    return this.#ask(new Turn(listener, frame));
  }

  /** Hears an answer, of this client or another, from behind an event; -1 stands before the first. */
  resume(responseId: string, seen: number, listener: Listener): Asked {
    return this.#ask(new Turn(listener, null, { responseId, seen }));
  }

  /** Hears what happens in a conversation, on whichever device, until what is returned is called. */
  follow(conversation: string, listener: (event: FollowEvent) => void): () => void {
    const follow = new Follow(conversation, listener);
    this.#do(this.#session.follow(follow, Date.now()));
    return () => this.#do(this.#session.unfollow(follow));
  }

  /** Stops an answer at what was said. */
  cancel(responseId: string): void {
    this.#do(this.#session.cancel(responseId, Date.now()));
  }

  /** Looks at the connection anew: connects at once if it waits to, and else asks whether it is still alive. */
  wake(): void {
    if (this.#socket) this.#socket.ask(AWAKE_WITHIN);
    else if (this.#attempt !== undefined) this.#connect(0, false);
  }

  /** Ends the connection for good; what runs goes on at the server. */
  close(): void {
    this.#closed = true;
    this.#forget();
    clearTimeout(this.#attempt);
    this.#do(this.#session.stop(new ParleyError(0, { message: "Closed by this page.", code: "closed" })));
    this.#socket?.close();
  }

  #ask(turn: Turn): Asked {
    this.#do(this.#session.ask(turn, Date.now()));
    return {
      get responseId() {
        return turn.responseId;
      },
      stop: () => this.#do(this.#session.stopTurn(turn, Date.now())),
    };
  }

  #do(commands: Command[]): void {
    for (const command of commands) {
      if (command.do === "send") this.#socket?.send(command.frame);
      else if (command.do === "connect") this.#connect(command.after, command.renew);
      else if (command.do === "leave") this.#socket?.close();
      else if (command.do === "usage") this.onusage(command.usage);
      else command.tell();
    }
    if (this.#said !== this.#session.standing) {
      this.#said = this.#session.standing;
      this.onstanding(this.#said);
    }
  }

  #connect(after: number, renew: boolean): void {
    clearTimeout(this.#attempt);
    if (renew) this.#credential.renew();
    this.#attempt = setTimeout(() => void this.#open(), after);
  }

  async #open(): Promise<void> {
    this.#attempt = undefined;
    this.#session.connecting();
    let secret: string | null;
    try {
      secret = await this.#credential.value();
    } catch {
      this.#do(this.#session.closed(1006, Date.now(), Math.random()));
      return;
    }
    if (this.#closed || this.#socket) return;
    const url = `${this.#server.replace(/^http/, "ws").replace(/\/$/, "")}/v1/responses?extensions=parley`;
    this.#socket = new Socket(url, secret, {
      opened: () => this.#do(this.#session.opened()),
      frame: (frame) => this.#do(this.#session.received(frame, Date.now())),
      gone: (code, opened) => void this.#gone(code, opened),
    });
  }

  async #gone(code: number, opened: boolean): Promise<void> {
    this.#socket = null;
    if (this.#closed) return;
    // Browsers do not tell why a handshake was refused: an ordinary call with the same credential does.
    const refused = opened ? null : await this.#refused();
    if (refused?.status === 403) this.#do(this.#session.stop(refused));
    else this.#do(this.#session.closed(refused ? 4401 : code, Date.now(), Math.random()));
  }

  async #refused(): Promise<ParleyError | null> {
    try {
      await this.rest.usage();
      return null;
    } catch (error) {
      const final = error instanceof ParleyError && (error.status === 401 || error.status === 403);
      return final ? error : null;
    }
  }
}

/** Returns an id that nobody else has; `crypto.randomUUID` is missing on plain http. */
function unique(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
