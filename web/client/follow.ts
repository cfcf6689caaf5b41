/** Conversations that are followed: what asks for them on each connection, and what of the frames is new. Pure. */

import type { ParleyError } from "./errors.js";
import type { Frame, Item } from "./protocol.js";
import { Turn, type TurnEvent } from "./turn.js";

export type FollowEvent =
  | { kind: "followed"; title: string; leaf: string | null; running: string[] }
  | { kind: "turn"; responseId: string; parent: string | null; input: Item[]; model: string; persona: string }
  | { kind: "of_turn"; responseId: string; event: TurnEvent }
  | { kind: "title"; title: string }
  | { kind: "leaf"; leaf: string | null }
  | { kind: "deleted" }
  | { kind: "refused"; error: ParleyError };

/** What the lanes begin with in which a follow may be refused. */
const LANE = "follow.";

/** One conversation, for one reader, and the turns of others in it, each in a lane of its own. */
export class Follow {
  readonly conversation: string;
  readonly tell: (event: FollowEvent) => void;
  readonly #turns = new Map<string, Turn>();

  constructor(conversation: string, tell: (event: FollowEvent) => void) {
    this.conversation = conversation;
    this.tell = tell;
  }

  /** Returns what brings all that was not seen yet over a connection that knows nothing of it. */
  requests(): Frame[] {
    // Turns first: the server does not announce again what this connection has asked for.
    const turns = [...this.#turns].map(([lane, turn]) => turn.request(lane));
    const { conversation } = this;
    return [...turns, { type: "parley:follow", conversation, stream_id: LANE + conversation }];
  }

  /** Whether a frame is about this conversation or a turn that is shown in it. */
  owns(frame: Frame): boolean {
    if (frame.type === "parley:conversation") return frame.conversation === this.conversation;
    const lane = frame.stream_id ?? "";
    return this.#turns.has(lane) || lane === LANE + this.conversation;
  }

  /** Returns what is new of the conversation. */
  take(frame: Frame): FollowEvent[] {
    if (frame.type !== "parley:conversation") return this.#ofTurn(frame);
    switch (frame.event) {
      case "followed": {
        const { title, leaf, running } = frame as unknown as { title: string; leaf: string | null; running: string[] };
        return [{ kind: "followed", title, leaf, running }];
      }
      case "turn":
        return this.#begun(frame);
      case "title":
        return [{ kind: "title", title: frame.title as string }];
      case "leaf":
        return [{ kind: "leaf", leaf: frame.leaf as string | null }];
      case "deleted":
        return [{ kind: "deleted" }];
      default:
        return [];
    }
  }

  /** Returns what a refusal in one of its lanes is to the reader; null if it is to be asked for again. */
  refuse(lane: string, error: ParleyError): FollowEvent | null {
    const turn = this.#turns.get(lane);
    if (!turn) return { kind: "refused", error };
    const event = turn.refuse(error);
    if (event) this.#turns.delete(lane);
    return event && { kind: "of_turn", responseId: turn.responseId ?? "", event };
  }

  #begun(frame: Frame): FollowEvent[] {
    const lane = frame.stream_id as string;
    if (this.#turns.has(lane)) return [];
    const responseId = frame.response_id as string;
    this.#turns.set(lane, new Turn(() => {}, null, { responseId, seen: -1 }));
    const { parent, input, model, persona } = frame as unknown as Extract<FollowEvent, { kind: "turn" }>;
    return [{ kind: "turn", responseId, parent, input, model, persona }];
  }

  #ofTurn(frame: Frame): FollowEvent[] {
    const lane = frame.stream_id ?? "";
    const turn = this.#turns.get(lane);
    if (!turn) return [];
    const told = turn.take(frame);
    if (turn.over) this.#turns.delete(lane);
    return told.map((event) => ({ kind: "of_turn", responseId: turn.responseId ?? "", event }));
  }
}
