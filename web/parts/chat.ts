/** A conversation as the view sees it: the messages on the path to its leaf, and the answer that is running. Pure. */

import type { ContentPart, Item, ParleyError, ServedBy, TurnEvent } from "../client/index.js";

/** How an answer ended, where that is worth a word. */
export type End =
  | { kind: "stopped" | "length" | "filtered" | "broken" | "unfinished" }
  | { kind: "failed" | "refused"; error: ParleyError };

export type State = "sending" | "waiting" | "answering" | "interrupted" | "done";

/** A picture: at an address of this page, or stored. */
export type Shown = { src: string } | { file: string };

export interface Message {
  /** The same for as long as the message is shown, whatever it becomes. */
  readonly key: string;
  readonly role: "user" | "assistant";
  id: string | null;
  /** The id of its first item. */
  firstItem: string | null;
  responseId: string | null;
  parentId: string | null;
  siblings: string[];
  text: string;
  thought: string;
  images: Shown[];
  state: State;
  /** In the queue for room; 1 is the next. */
  position: number | null;
  end: End | null;
  model: string | null;
  servedBy: ServedBy | null;
  /** Rises with each change, so that views need not compare. */
  version: number;
}

let made = 0;

/** Returns a message that only this page knows. */
export function fresh(role: Message["role"], more: Partial<Message> = {}): Message {
  made += 1;
  return {
    key: `m${made}`,
    role,
    id: null,
    firstItem: null,
    responseId: null,
    parentId: null,
    siblings: [],
    text: "",
    thought: "",
    images: [],
    state: "done",
    position: null,
    end: null,
    model: null,
    servedBy: null,
    version: 0,
    ...more,
  };
}

/** Returns the messages that `items`, oldest first, are; those of `known` that are among them stay the same objects. */
export function merged(known: readonly Message[], items: readonly Item[]): Message[] {
  const found: Message[] = [];
  for (const group of grouped(items)) {
    const [first] = group as [Item, ...Item[]];
    const role = first.role === "user" ? "user" : "assistant";
    const same = known.find((one) => one.role === role && isSame(one, first)) ?? fresh(role);
    const message = {
      id: group.find((item) => first.siblings?.includes(item.id))?.id ?? first.id,
      firstItem: first.id,
      responseId: first.response_id,
      parentId: first.parent_id,
      siblings: first.siblings ?? [],
    };
    // What was just sent is shown already.
    const images = same.images.length > 0 ? { images: same.images } : {};
    Object.assign(same, message, content(group), images);
    same.version += 1;
    same.state = "done";
    if (role === "assistant" && !same.end && group.at(-1)?.status === "incomplete") {
      same.end = { kind: "unfinished" };
    }
    found.push(same);
  }
  return found;
}

function isSame(message: Message, item: Item): boolean {
  return message.id === item.id || (message.responseId !== null && message.responseId === item.response_id);
}

/** Reasoning, the words and calls of one answer are one message. */
function grouped(items: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  for (const item of items) {
    const last = groups.at(-1);
    const ours = item.role !== "user";
    if (last && ours && last[0]?.role !== "user" && last[0]?.response_id === item.response_id) last.push(item);
    else groups.push([item]);
  }
  return groups;
}

function content(group: readonly Item[]): { text: string; thought: string; images: Shown[] } {
  const parts: ContentPart[] = group.flatMap((item) => item.content ?? []);
  let text = "";
  let thought = "";
  const images: Shown[] = [];
  for (const part of parts) {
    if (part.type === "input_text" || part.type === "output_text") text += part.text;
    else if (part.type === "refusal") text += part.refusal;
    else if (part.type === "reasoning_text") thought += part.text;
    else if (part.type === "input_image" && part.file_id) images.push({ file: part.file_id });
  }
  return { text, thought, images };
}

/** Lets an event of its turn change an answer. */
export function hear(answer: Message, event: TurnEvent): void {
  answer.version += 1;
  switch (event.kind) {
    case "waiting":
      answer.state = "waiting";
      answer.position = event.position;
      break;
    case "accepted":
      answer.responseId = event.response.id;
      answer.model = event.response.model;
      answer.state = "answering";
      break;
    case "served_by":
      answer.servedBy = event.servedBy;
      break;
    case "delta":
    case "refused_to_answer":
      answer.text += event.text;
      answer.state = "answering";
      break;
    case "thought":
      answer.thought += event.text;
      answer.state = "answering";
      break;
    case "interrupted":
      answer.state = "interrupted";
      break;
    case "ended":
      answer.state = "done";
      answer.model = event.response.model;
      answer.end = ending(event.status, event.reason);
      break;
    case "failed":
      answer.state = "done";
      answer.end = { kind: answer.responseId ? "failed" : "refused", error: event.error };
      break;
  }
}

function ending(status: string, reason: string | null): End | null {
  if (status === "cancelled") return { kind: "stopped" };
  if (status === "completed") return null;
  if (reason === "max_output_tokens") return { kind: "length" };
  return { kind: reason === "content_filter" ? "filtered" : "broken" };
}
