/** One answer, however many connections it takes: what asks for it on each, and what of the frames is new. Pure. */

import { ParleyError } from "./errors.js";
import type { Frame, ResponseBody, ResponseStatus, ServedBy } from "./protocol.js";

export type TurnEvent =
  | { kind: "waiting"; position: number }
  | { kind: "accepted"; response: ResponseBody }
  | { kind: "served_by"; servedBy: ServedBy }
  | { kind: "delta"; text: string }
  | { kind: "thought"; text: string }
  | { kind: "refused_to_answer"; text: string }
  | { kind: "interrupted" }
  | { kind: "ended"; status: ResponseStatus; reason: string | null; response: ResponseBody }
  | { kind: "failed"; error: ParleyError };

export type Listener = (event: TurnEvent) => void;

/** Refusals of one node at one moment: an answer that has begun is asked for again. */
const AGAIN = new Set(["draining", "storage_unavailable", "internal_error"]);

const TERMINAL = new Set(["response.completed", "response.incomplete", "response.failed"]);

const PIECES: Record<string, "delta" | "thought" | "refused_to_answer"> = {
  "response.output_text.delta": "delta",
  "response.reasoning_text.delta": "thought",
  "response.refusal.delta": "refused_to_answer",
};

export class Turn {
  responseId: string | null;
  /** The number of the last event that was seen. */
  seen: number;
  over = false;
  /** Whether its reader wants it stopped. */
  stopped = false;
  readonly tell: Listener;
  readonly #create: Frame | null;
  #created = false;

  /** Begins with the frame `create`, or goes on with a response behind an event that was seen. */
  constructor(tell: Listener, create: Frame | null, at: { responseId: string; seen: number } | null = null) {
    this.tell = tell;
    this.#create = create;
    this.responseId = at?.responseId ?? null;
    this.seen = at?.seen ?? -1;
  }

  /** Returns the frame that brings what was not seen yet, over a connection that knows nothing of it. */
  request(lane: string): Frame {
    if (this.responseId === null) return { ...this.#create, type: "response.create", stream_id: lane };
    const after = this.seen < 0 ? {} : { starting_after: this.seen };
    return { type: "parley:resume", response_id: this.responseId, stream_id: lane, ...after };
  }

  /** Returns what is new in a frame of this answer. */
  take(frame: Frame): TurnEvent[] {
    const number = frame.sequence_number;
    if (number !== undefined) {
      if (this.over || (number <= this.seen && !TERMINAL.has(frame.type))) return [];
      this.seen = Math.max(number, this.seen);
    }
    const piece = PIECES[frame.type];
    if (piece) return [{ kind: piece, text: frame.delta as string }];
    if (frame.type === "response.created") return this.#accept(frame.response as ResponseBody);
    if (frame.type === "parley:waiting") return [{ kind: "waiting", position: frame.position as number }];
    if (frame.type === "parley:served_by") return [{ kind: "served_by", servedBy: frame as unknown as ServedBy }];
    return TERMINAL.has(frame.type) ? [this.#end(frame.response as ResponseBody)] : [];
  }

  /** Returns the end that a refusal of the request is; null if it is to be asked for again. */
  refuse(error: ParleyError): TurnEvent | null {
    if (AGAIN.has(error.code) && (this.responseId !== null || error.code === "draining")) return null;
    this.over = true;
    return { kind: "failed", error };
  }

  #accept(response: ResponseBody): TurnEvent[] {
    this.responseId = response.id;
    if (this.#created) return [];
    this.#created = true;
    const told: TurnEvent[] = [{ kind: "accepted", response }];
    if (response.served_by) told.push({ kind: "served_by", servedBy: response.served_by });
    return told;
  }

  #end(response: ResponseBody): TurnEvent {
    this.over = true;
    if (response.status !== "failed") {
      return { kind: "ended", status: response.status, reason: response.incomplete_details?.reason ?? null, response };
    }
    const { code, message, type } = response.error ?? { code: "server_error", message: "The answer broke off." };
    return { kind: "failed", error: new ParleyError(500, { message, code: type ?? code }) };
  }
}
