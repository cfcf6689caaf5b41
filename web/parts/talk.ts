/** One conversation as it goes on: sends, hears answers, follows what happens elsewhere. */

import {
  type Asked,
  type FollowEvent,
  type Parley,
  ParleyError,
  type Request,
  type TurnEvent,
} from "../client/index.js";
import { fresh, hear, type Message, merged } from "./chat.js";
import { Changing } from "./store.js";

const PAGE = 100;

export class Talk extends Changing {
  conversation: string | null = null;
  title = "";
  persona: string | null = null;
  model: string | null = null;
  messages: Message[] = [];
  /** Why the conversation could not be read. */
  problem: ParleyError | null = null;
  readonly #parley: Parley;
  #asked = new Map<Message, Asked>();
  #unfollow: () => void = () => {};
  #frame = 0;

  constructor(parley: Parley) {
    super();
    this.#parley = parley;
  }

  /** The answer that is running, if one is. */
  get live(): Message | null {
    return this.messages.find((one) => one.role === "assistant" && one.state !== "done") ?? null;
  }

  /** Shows a stored conversation, or with null a new one. */
  async open(conversation: string | null): Promise<void> {
    if (conversation !== null && conversation === this.conversation) return;
    this.#unfollow();
    this.#asked.clear();
    this.conversation = conversation;
    this.title = "";
    this.messages = [];
    this.problem = null;
    this.changed();
    if (conversation === null) return;
    this.#follow(conversation);
    await this.reload();
  }

  /** Reads the messages anew; those that are shown already stay as they are. */
  async reload(): Promise<void> {
    const conversation = this.conversation;
    if (conversation === null) return;
    try {
      const page = await this.#parley.rest.items(conversation, { limit: PAGE });
      if (conversation !== this.conversation || this.live) return;
      this.messages = merged(this.messages, page.data.toReversed());
      this.problem = null;
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      if (conversation === this.conversation) this.problem = error;
    }
    this.changed();
  }

  /** Sends a message. */
  send(text: string): void {
    const question = fresh("user", { text, state: "sending" });
    this.#ask(question, { input: text });
  }

  /** Stops the answer that is running. */
  stop(): void {
    const live = this.live;
    if (!live) return;
    const asked = this.#asked.get(live);
    if (asked) asked.stop();
    else if (live.responseId) this.#parley.cancel(live.responseId);
  }

  #ask(question: Message, request: Request): void {
    const answer = fresh("assistant", { state: "sending" });
    this.messages = [...this.messages, question, answer];
    const whole: Request = { ...request, conversation: this.conversation ?? "new" };
    if (this.model) whole.model = this.model;
    if (this.persona) whole.prompt = { id: this.persona };
    this.#asked.set(
      answer,
      this.#parley.send(whole, (event) => this.#heard(question, answer, event)),
    );
    this.changed();
  }

  #heard(question: Message, answer: Message, event: TurnEvent): void {
    hear(answer, event);
    if (event.kind === "accepted") {
      question.state = "done";
      question.responseId = event.response.id;
      question.version += 1;
      this.#adopt(event.response.conversation?.id ?? null);
    }
    this.#after(answer, event);
  }

  #after(answer: Message, event: TurnEvent): void {
    if (answer.state === "done") {
      this.#asked.delete(answer);
      if (answer.end?.kind !== "refused") void this.reload();
      this.changed();
    } else if (event.kind === "delta" || event.kind === "thought") this.#soon();
    else this.changed();
  }

  /** A new conversation has its id. */
  #adopt(conversation: string | null): void {
    if (conversation === null || this.conversation !== null) return;
    this.conversation = conversation;
    this.#follow(conversation);
  }

  #follow(conversation: string): void {
    this.#unfollow = this.#parley.follow(conversation, (event) => {
      if (this.conversation === conversation) this.#happened(event);
    });
  }

  #happened(event: FollowEvent): void {
    if (event.kind === "turn") {
      const question = fresh("user", { text: words(event.input), responseId: event.responseId });
      const answer = fresh("assistant", { responseId: event.responseId, state: "answering", model: event.model });
      this.messages = [...this.messages.filter((one) => one.responseId !== event.responseId), question, answer];
      this.changed();
    } else if (event.kind === "of_turn") {
      const answer = this.messages.find((one) => one.role === "assistant" && one.responseId === event.responseId);
      if (!answer) return;
      hear(answer, event.event);
      this.#after(answer, event.event);
    } else if (event.kind === "title") {
      this.title = event.title;
      this.changed();
    } else if (event.kind === "leaf") void this.reload();
  }

  /** Tells of text that came, once for all that comes before the next frame. */
  #soon(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.changed();
    });
  }
}

function words(input: readonly { content?: { type: string; text?: string }[] }[]): string {
  return input.flatMap((item) => (item.content ?? []).map((part) => part.text ?? "")).join("");
}
