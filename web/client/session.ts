/** What a client does about its connection: frames and the fate of connections in, commands out. Pure.
 *
 * There is one connection at a time, or none, and up to `LANES` answers run over it; more wait. When the connection goes,
 * another one is asked for and, over that, whatever was not seen to its end.
 */

import { fate, pause } from "./backoff.js";
import { ParleyError, refusal } from "./errors.js";
import type { Follow } from "./follow.js";
import type { Frame, Usage } from "./protocol.js";
import type { Turn } from "./turn.js";

export const LANES = 16;

/** Refusals of a frame whose lane could not be read. */
const UNREADABLE = new Set(["invalid_json", "message_too_large", "too_deep"]);

/** How the connection stands, for people: `waiting` tries again `at` (milliseconds), `stopped` does not. */
export type Standing =
  | { state: "none" | "connecting" | "open" | "restarting" }
  | { state: "waiting"; at: number }
  | { state: "stopped"; error: ParleyError };

export type Command =
  | { do: "send"; frame: Frame }
  | { do: "connect"; after: number; renew: boolean }
  | { do: "leave" }
  | { do: "tell"; tell: () => void }
  | { do: "usage"; usage: Usage };

export class Session {
  standing: Standing = { state: "none" };
  /** Whether a connection is kept even while nothing runs. */
  kept = false;
  #link: "none" | "coming" | "open" | "ending" = "none";
  #attempts = 0;
  #notBefore = 0;
  #renewed = false;
  #lanes = new Map<string, Turn>();
  #free = Array.from({ length: LANES }, (_, number) => `lane-${number}`).reverse();
  #waiting: Turn[] = [];
  #follows = new Set<Follow>();
  #stops = new Set<string>();

  get busy(): boolean {
    return this.kept || this.#lanes.size + this.#waiting.length + this.#follows.size + this.#stops.size > 0;
  }

  /** Keeps a connection from now on. */
  keep(now: number): Command[] {
    this.kept = true;
    return this.#want(now);
  }

  ask(turn: Turn, now: number): Command[] {
    this.#waiting.push(turn);
    return [...this.#start(), ...this.#want(now)];
  }

  follow(follow: Follow, now: number): Command[] {
    this.#follows.add(follow);
    return this.#isOpen ? follow.requests().map(send) : this.#want(now);
  }

  unfollow(follow: Follow): Command[] {
    if (!this.#follows.delete(follow) || !this.#isOpen) return [];
    return [send({ type: "parley:unfollow", conversation: follow.conversation })];
  }

  /** Has an answer stopped, as often as it takes. */
  cancel(responseId: string, now: number): Command[] {
    this.#stops.add(responseId);
    return this.#isOpen ? this.#sayStops() : this.#want(now);
  }

  /** Has a turn stopped, as soon as it was accepted. */
  stopTurn(turn: Turn, now: number): Command[] {
    turn.stopped = true;
    return turn.responseId && !turn.over ? this.cancel(turn.responseId, now) : [];
  }

  /** There is a connection. */
  opened(): Command[] {
    this.#link = "open";
    this.standing = { state: "open" };
    const turns = [...this.#lanes].map(([lane, turn]) => send(turn.request(lane)));
    const follows = [...this.#follows].flatMap((follow) => follow.requests().map(send));
    return [...turns, ...follows, ...this.#sayStops(), ...this.#start()];
  }

  received(frame: Frame, now: number): Command[] {
    const lane = frame.stream_id;
    if (frame.type === "error") return this.#refused(refusal(Number(frame.status ?? 500), frame), lane, now);
    this.#attempts = 0;
    this.#renewed = false;
    if (frame.type === "parley:usage") return [{ do: "usage", usage: frame as unknown as Usage }];
    if (frame.type === "parley:draining") return this.#drain(now + Number(frame.reconnect_in_ms));
    const turn = lane === undefined ? undefined : this.#lanes.get(lane);
    if (turn && lane !== undefined) {
      const begun = turn.responseId === null;
      const told = turn.take(frame).map((event) => tell(() => turn.tell(event)));
      if (turn.over) return [...told, ...this.#release(lane)];
      return begun && turn.stopped && turn.responseId ? [...told, ...this.cancel(turn.responseId, now)] : told;
    }
    for (const follow of this.#follows) {
      if (!follow.owns(frame)) continue;
      const told = follow.take(frame);
      if (told.some((event) => event.kind === "deleted")) this.#follows.delete(follow);
      return told.map((event) => tell(() => follow.tell(event)));
    }
    return [];
  }

  /** The connection is gone, or did not come about: `code` as of WebSockets. */
  closed(code: number, now: number, chance: number): Command[] {
    const ours = this.#link === "ending";
    this.#link = "none";
    this.standing = { state: "none" };
    const end = ours ? "retry" : fate(code);
    if (end === "stop" || (end === "renew" && this.#renewed)) return this.stop(closing(code));
    if (!this.busy) return [];
    this.#link = "coming";
    this.#renewed ||= end === "renew";
    const wait = end === "renew" ? 0 : Math.max(pause(this.#attempts++, chance), this.#notBefore - now);
    this.standing = code === 1012 ? { state: "restarting" } : { state: "waiting", at: now + wait };
    const turns = [...this.#lanes.values()].map((turn) => tell(() => turn.tell({ kind: "interrupted" })));
    return [...turns, { do: "connect", after: wait, renew: end === "renew" }];
  }

  /** An attempt begins. */
  connecting(): void {
    if (this.standing.state === "none") this.standing = { state: "connecting" };
  }

  /** Tells every reader that there will be no more connection until somebody asks again. */
  stop(error: ParleyError): Command[] {
    const turns = [...this.#lanes.values(), ...this.#waiting];
    for (const lane of [...this.#lanes.keys()]) this.#release(lane);
    this.#waiting = [];
    this.#stops.clear();
    this.#link = "none";
    this.#renewed = false;
    this.standing = { state: "stopped", error };
    return turns.map((turn) => {
      turn.over = true;
      return tell(() => turn.tell({ kind: "failed", error }));
    });
  }

  get #isOpen(): boolean {
    return this.#link === "open" || this.#link === "ending";
  }

  #want(now: number): Command[] {
    if (this.#link !== "none") return [];
    this.#link = "coming";
    this.standing = { state: "connecting" };
    return [{ do: "connect", after: Math.max(0, this.#notBefore - now), renew: false }];
  }

  #start(): Command[] {
    const begun: Command[] = [];
    while (this.#link === "open" && this.#waiting.length > 0 && this.#free.length > 0) {
      const lane = this.#free.pop() as string;
      const turn = this.#waiting.shift() as Turn;
      this.#lanes.set(lane, turn);
      begun.push(send(turn.request(lane)));
    }
    return begun;
  }

  #sayStops(): Command[] {
    const said = [...this.#stops].map((id) => send({ type: "parley:cancel", response_id: id }));
    const running = new Set([...this.#lanes.values()].map((turn) => turn.responseId));
    for (const id of this.#stops) if (!running.has(id)) this.#stops.delete(id);
    return said;
  }

  #refused(error: ParleyError, lane: string | undefined, now: number): Command[] {
    if (lane === undefined) return UNREADABLE.has(error.code) ? this.#refuseUnread(error) : [];
    const turn = this.#lanes.get(lane);
    if (!turn) return this.#refuseFollow(error, lane);
    const end = turn.refuse(error);
    if (end) return [tell(() => turn.tell(end)), ...this.#release(lane)];
    if (turn.responseId !== null) return this.#leave();
    // Nothing new begins here: it waits for the next connection, and does not keep this one.
    this.#release(lane);
    this.#waiting.unshift(turn);
    return this.#drain(now);
  }

  #refuseFollow(error: ParleyError, lane: string): Command[] {
    for (const follow of this.#follows) {
      if (!follow.owns({ type: "error", stream_id: lane })) continue;
      const told = follow.refuse(lane, error);
      if (told === null) return this.#leave();
      if (told.kind === "refused") this.#follows.delete(follow);
      return [tell(() => follow.tell(told))];
    }
    return [];
  }

  #refuseUnread(error: ParleyError): Command[] {
    const unread = [...this.#lanes].filter(([, turn]) => turn.responseId === null);
    return unread.flatMap(([lane, turn]) => {
      turn.over = true;
      return [tell(() => turn.tell({ kind: "failed", error })), ...this.#release(lane)];
    });
  }

  #drain(notBefore: number): Command[] {
    this.#link = "ending";
    this.#notBefore = notBefore;
    this.standing = { state: "restarting" };
    return this.#lanes.size === 0 ? this.#leave() : [];
  }

  #leave(): Command[] {
    this.#link = "ending";
    return [{ do: "leave" }];
  }

  #release(lane: string): Command[] {
    const turn = this.#lanes.get(lane);
    this.#lanes.delete(lane);
    this.#free.push(lane);
    if (turn?.responseId) this.#stops.delete(turn.responseId);
    if (this.#link === "ending" && this.#lanes.size === 0) return this.#leave();
    return this.#start();
  }
}

function send(frame: Frame): Command {
  return { do: "send", frame };
}

function tell(say: () => void): Command {
  return { do: "tell", tell: say };
}

function closing(code: number): ParleyError {
  if (code === 4401) return new ParleyError(401, { message: "Please sign in again.", code: "invalid_api_key" });
  if (code === 4403) return new ParleyError(403, { message: "This account is suspended.", code: "account_suspended" });
  return new ParleyError(0, { message: `The connection was closed (${code}).`, code: "connection_closed" });
}
