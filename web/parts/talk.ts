/** One conversation as it goes on: sends, hears answers, follows what happens elsewhere. */

import {
  type Asked,
  type FollowEvent,
  type Parley,
  ParleyError,
  type Request,
  type ServedBy,
  type TurnEvent,
  type Usage,
} from "../client/index.js";
import { fresh, hear, type Message, merged } from "./chat.js";
import type { Picture } from "./images.js";
import { Pictures } from "./pictures.js";
import { Changing } from "./store.js";

const PAGE = 50;

export interface Outgoing {
  text: string;
  images?: Picture[];
}

export class Talk extends Changing {
  conversation: string | null = null;
  title = "";
  persona: string | null = null;
  model: string | null = null;
  dials: Record<string, string> = {};
  /** Which greeting of the persona is shown before the first message. */
  greeting: number | null = null;
  messages: Message[] = [];
  /** Whether there are messages before those that are here. */
  older = false;
  usage: Usage | null = null;
  /** Another model answers than the one that was asked for. */
  fallback: ServedBy | null = null;
  /** What becomes of messages for a model that is used up. */
  whenCapped: "use" | "refuse" | null = null;
  /** A message that was not accepted, to be written on. */
  returned: (Outgoing & { error: ParleyError }) | null = null;
  /** Why the conversation could not be read. */
  problem: ParleyError | null = null;
  readonly pictures: Pictures;
  readonly #parley: Parley;
  #asked = new Map<Message, Asked>();
  #unfollow: () => void = () => {};
  #frame = 0;

  constructor(parley: Parley) {
    super();
    this.#parley = parley;
    this.pictures = new Pictures(parley.rest);
  }

  /** The answer that is running, if one is. */
  get live(): Message | null {
    return this.messages.find((one) => one.role === "assistant" && one.state !== "done") ?? null;
  }

  /** Takes what is to be so from now on. */
  set(
    what: Partial<
      Pick<Talk, "persona" | "model" | "dials" | "greeting" | "usage" | "fallback" | "whenCapped" | "returned">
    >,
  ): void {
    Object.assign(this, what);
    this.changed();
  }

  /** Shows a stored conversation, or with null a new one. */
  async open(conversation: string | null): Promise<void> {
    if (conversation !== null && conversation === this.conversation) return;
    this.#unfollow();
    this.#unfollow = () => {};
    this.#asked.clear();
    this.conversation = conversation;
    Object.assign(this, { title: "", messages: [], older: false, problem: null, returned: null, fallback: null });
    this.changed();
    if (conversation === null) return;
    this.#follow(conversation);
    await this.reload();
  }

  /** Reads the messages anew; those that are shown already stay as they are. */
  async reload(): Promise<void> {
    await this.#reading(async (conversation) => {
      const page = await this.#parley.rest.items(conversation, { limit: PAGE });
      if (conversation !== this.conversation || this.live) return;
      this.messages = merged(this.messages, page.data.toReversed());
      this.older = page.has_more;
    });
  }

  /** Reads the messages before the first one that is here. */
  async readOlder(): Promise<void> {
    await this.#reading(async (conversation) => {
      const after = this.messages[0]?.firstItem ?? null;
      const page = await this.#parley.rest.items(conversation, { limit: PAGE, after });
      if (conversation !== this.conversation) return;
      this.messages = [...merged([], page.data.toReversed()), ...this.messages];
      this.older = page.has_more;
    });
  }

  /** Sends a message. */
  send(said: Outgoing): void {
    this.#put(said, {});
  }

  /** Asks a question differently: the old one stays, as another version. */
  resend(question: Message, text: string): void {
    const at = this.messages.indexOf(question);
    this.messages = this.messages.slice(0, at);
    this.#put({ text }, { parent: question.parentId });
  }

  /** Has a question answered once more. */
  retry(answer: Message): void {
    if (!answer.responseId) return;
    this.messages = this.messages.slice(0, this.messages.indexOf(answer));
    this.#ask(null, { regenerate: answer.responseId }, null);
  }

  /** Goes on from another version of a message. */
  async choose(message: Message, step: -1 | 1): Promise<void> {
    const leaf = message.siblings[message.siblings.indexOf(message.id ?? "") + step];
    if (!leaf) return;
    await this.#reading(async (conversation) => {
      await this.#parley.rest.change(conversation, { leaf });
    });
    await this.reload();
  }

  /** Stops the answer that is running. */
  stop(): void {
    const live = this.live;
    if (!live) return;
    const asked = this.#asked.get(live);
    if (asked) asked.stop();
    else if (live.responseId) this.#parley.cancel(live.responseId);
  }

  #put(said: Outgoing, more: Request): void {
    const images = said.images ?? [];
    const question = fresh("user", { text: said.text, images: images.map(({ src }) => ({ src })), state: "sending" });
    const parts = [
      ...images.map(({ url }) => ({ type: "input_image", image_url: url })),
      ...(said.text ? [{ type: "input_text", text: said.text }] : []),
    ];
    const input = images.length ? [{ role: "user", content: parts }] : said.text;
    const greeting = this.conversation === null && this.greeting !== null ? { greeting: this.greeting } : {};
    this.messages = [...this.messages, question];
    this.#ask(question, { input, ...greeting, ...more }, said);
  }

  #ask(question: Message | null, request: Request, said: Outgoing | null): void {
    const answer = fresh("assistant", { state: "sending" });
    this.messages = [...this.messages, answer];
    this.returned = null;
    const whole: Request = { ...request };
    if (!request.regenerate) whole.conversation = this.conversation ?? "new";
    if (this.model) whole.model = this.model;
    if (this.whenCapped) whole.when_capped = this.whenCapped;
    if (this.persona && !request.regenerate) whole.prompt = { id: this.persona, variables: this.dials };
    const asked = this.#parley.send(whole, (event) => this.#heard(question, answer, said, event));
    this.#asked.set(answer, asked);
    this.changed();
  }

  #heard(question: Message | null, answer: Message, said: Outgoing | null, event: TurnEvent): void {
    hear(answer, event);
    if (event.kind === "accepted") {
      if (question)
        Object.assign(question, { state: "done", responseId: event.response.id, version: question.version + 1 });
      this.fallback = null;
      this.#adopt(event.response.conversation?.id ?? null);
    }
    if (event.kind === "served_by") this.fallback = event.servedBy;
    if (event.kind === "failed" && answer.end?.kind === "refused" && said) {
      // Nothing was stored: the text goes back to where it was written.
      this.messages = this.messages.filter((one) => one !== question && one !== answer);
      this.returned = { ...said, error: event.error };
    }
    this.#after(answer, event);
  }

  #after(answer: Message, event: TurnEvent): void {
    if (answer.state === "done") {
      this.#asked.delete(answer);
      void this.reload();
      this.changed();
    } else if (event.kind === "delta" || event.kind === "thought") this.#soon();
    else this.changed();
  }

  async #reading(read: (conversation: string) => Promise<void>): Promise<void> {
    const conversation = this.conversation;
    if (conversation === null) return;
    try {
      await read(conversation);
      this.problem = null;
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      if (conversation === this.conversation) this.problem = error;
    }
    this.changed();
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
    switch (event.kind) {
      case "turn":
        this.#begun(event);
        break;
      case "of_turn": {
        const answer = this.messages.find((one) => one.role === "assistant" && one.responseId === event.responseId);
        if (!answer) return;
        hear(answer, event.event);
        this.#after(answer, event.event);
        return;
      }
      case "followed":
      case "title":
        this.title = event.title;
        break;
      case "leaf":
        void this.reload();
        return;
      case "refused":
        this.problem = event.error;
        break;
      case "deleted":
        void this.open(null);
        return;
    }
    this.changed();
  }

  /** A turn runs that another tab or device has begun. */
  #begun(turn: Extract<FollowEvent, { kind: "turn" }>): void {
    const { responseId, parent, model } = turn;
    const before = parent === null ? -1 : this.messages.findIndex((one) => one.id === parent);
    const kept = before < 0 && parent !== null ? this.messages : this.messages.slice(0, before + 1);
    const others = kept.filter((one) => one.responseId !== responseId);
    const question = turn.input.length > 0 ? merged(this.messages, turn.input) : [];
    const answer = fresh("assistant", { responseId, model, state: "answering" });
    this.messages = [...others, ...question, answer];
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
