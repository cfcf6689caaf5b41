import { expect, test } from "vitest";
import { ParleyError } from "../../client/errors.js";
import { Follow, type FollowEvent } from "../../client/follow.js";
import type { Frame } from "../../client/protocol.js";
import { type Command, LANES, Session } from "../../client/session.js";
import { Turn, type TurnEvent } from "../../client/turn.js";

function sent(commands: Command[]): Frame[] {
  return commands.flatMap((one) => (one.do === "send" ? [one.frame] : []));
}

function run(commands: Command[]): Command[] {
  for (const one of commands) if (one.do === "tell") one.tell();
  return commands;
}

function created(lane: string, id = "resp_1"): Frame {
  return { type: "response.created", stream_id: lane, sequence_number: 0, response: { id, model: "m" } };
}

function delta(lane: string, number: number, text: string): Frame {
  return { type: "response.output_text.delta", stream_id: lane, sequence_number: number, delta: text };
}

function asking(): { session: Session; turn: Turn; told: TurnEvent[]; lane: string } {
  const told: TurnEvent[] = [];
  const turn = new Turn((event) => told.push(event), { type: "response.create", input: "Hello" });
  const session = new Session();
  expect(session.ask(turn, 0)).toEqual([{ do: "connect", after: 0, renew: false }]);
  const [frame] = sent(session.opened());
  expect(frame).toMatchObject({ type: "response.create", input: "Hello" });
  return { session, turn, told, lane: frame?.stream_id ?? "" };
}

test("an answer that was cut off is resumed behind the last event that was seen, and nothing comes twice", () => {
  const { session, told, lane } = asking();
  run(session.received(created(lane), 0));
  run(session.received(delta(lane, 5, "one "), 0));
  const again = run(session.closed(1006, 1000, 1));
  expect(again.at(-1)).toEqual({ do: "connect", after: 500, renew: false });
  expect(sent(session.opened())).toEqual([
    { type: "parley:resume", response_id: "resp_1", stream_id: lane, starting_after: 5 },
  ]);
  run(session.received(delta(lane, 5, "one "), 0));
  run(session.received(delta(lane, 9, "two"), 0));
  const response = { id: "resp_1", model: "m", status: "completed", incomplete_details: null };
  run(session.received({ type: "response.completed", stream_id: lane, sequence_number: 10, response }, 0));
  expect(told.flatMap((event) => (event.kind === "delta" ? [event.text] : [])).join("")).toBe("one two");
  expect(told.map((event) => event.kind)).toEqual(["accepted", "delta", "interrupted", "delta", "ended"]);
  expect(session.busy).toBe(false);
});

test("a request that was not accepted is sent again as it was", () => {
  const { session, lane } = asking();
  session.closed(1006, 0, 0);
  expect(sent(session.opened())).toEqual([{ type: "response.create", input: "Hello", stream_id: lane }]);
});

test("pauses between attempts grow, and a frame that comes makes them short again", () => {
  const { session, lane } = asking();
  const pauses = [0, 1, 2, 3].map(() => (session.closed(1006, 0, 1).at(-1) as { after: number }).after);
  expect(pauses).toEqual([500, 1000, 2000, 4000]);
  session.opened();
  session.received(created(lane), 0);
  expect(session.closed(1006, 0, 1).at(-1)).toMatchObject({ after: 500 });
});

test("a refused answer ends, and its lane is free for the next", () => {
  const { session, told, lane } = asking();
  const error = { code: "usage_cap_reached", message: "No.", type: "rate_limit_error" };
  run(session.received({ type: "error", status: 429, stream_id: lane, error }, 0));
  expect(told.at(-1)).toMatchObject({ kind: "failed", error: { code: "usage_cap_reached", status: 429 } });
  expect(sent(session.ask(new Turn(() => {}, null), 0))).toHaveLength(1);
});

test("no more answers run at once than there are lanes; the others follow", () => {
  const session = new Session();
  session.keep(0);
  session.opened();
  const all = Array.from({ length: LANES + 2 }, () => new Turn(() => {}, { type: "response.create" }));
  const begun = all.flatMap((turn) => sent(session.ask(turn, 0)));
  expect(begun).toHaveLength(LANES);
  const error = { code: "model_not_found", message: "No." };
  const next = session.received({ type: "error", status: 404, stream_id: begun[0]?.stream_id ?? "", error }, 0);
  expect(sent(next)).toHaveLength(1);
});

test("a stop that was said before the answer was accepted is said as soon as it is", () => {
  const { session, turn, lane } = asking();
  expect(session.stopTurn(turn, 0)).toEqual([]);
  expect(sent(session.received(created(lane), 0))).toEqual([{ type: "parley:cancel", response_id: "resp_1" }]);
});

test("an expired key is renewed once, and then people are asked to sign in", () => {
  const { session, told } = asking();
  expect(session.closed(4401, 0, 1).at(-1)).toEqual({ do: "connect", after: 0, renew: true });
  run(session.closed(4401, 0, 1));
  expect(session.standing).toMatchObject({ state: "stopped", error: { status: 401 } });
  expect(told.at(-1)).toMatchObject({ kind: "failed" });
});

test("a draining node gets nothing new, and is left when what runs has ended", () => {
  const { session, lane } = asking();
  session.received(created(lane), 0);
  expect(session.received({ type: "parley:draining", reconnect_in_ms: 700 }, 0)).toEqual([]);
  expect(session.ask(new Turn(() => {}, { type: "response.create" }), 0)).toEqual([]);
  expect(session.standing).toEqual({ state: "restarting" });
  const response = { id: "resp_1", model: "m", status: "completed", incomplete_details: null };
  const end = session.received({ type: "response.completed", stream_id: lane, sequence_number: 9, response }, 0);
  expect(end.at(-1)).toEqual({ do: "leave" });
  expect(session.closed(1000, 0, 0).at(-1)).toEqual({ do: "connect", after: 700, renew: false });
});

test("a followed conversation tells of turns begun elsewhere, and goes on with them after a reconnect", () => {
  const told: FollowEvent[] = [];
  const session = new Session();
  session.follow(new Follow("conv_1", (event) => told.push(event)), 0);
  expect(sent(session.opened())).toEqual([
    { type: "parley:follow", conversation: "conv_1", stream_id: "follow.conv_1" },
  ]);
  const turn = { event: "turn", response_id: "resp_9", stream_id: "resp_9", parent: null, input: [], model: "m" };
  run(session.received({ type: "parley:conversation", conversation: "conv_1", persona: "p", ...turn }, 0));
  run(session.received(delta("resp_9", 4, "Hi"), 0));
  expect(told).toMatchObject([
    { kind: "turn", responseId: "resp_9" },
    { kind: "of_turn", event: { kind: "delta", text: "Hi" } },
  ]);
  session.closed(1006, 0, 0);
  expect(sent(session.opened())[0]).toEqual({
    type: "parley:resume",
    response_id: "resp_9",
    stream_id: "resp_9",
    starting_after: 4,
  });
});

test("when there will be no more connection, every reader is told", () => {
  const { session, told } = asking();
  run(session.stop(new ParleyError(403, { message: "No.", code: "account_suspended" })));
  expect(told).toMatchObject([{ kind: "failed", error: { code: "account_suspended" } }]);
});
