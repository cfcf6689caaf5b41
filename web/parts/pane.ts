/** A conversation to read and to go on with: the log, the notices, the composer, the meter. */

import { html, LitElement, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { PersonaBody, Standing } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import { pane } from "../look/pane.js";
import { t } from "../words/index.js";
import { announced } from "./announce.js";
import { fallback, returned } from "./capped.js";
import type { Message } from "./chat.js";
import type { ParleyComposer } from "./composer.js";
import "./composer.js";
import { type Drafts, passing } from "./drafts.js";
import { icon } from "./icons.js";
import { filesOf } from "./images.js";
import type { ParleyMessage } from "./message.js";
import "./message.js";
import "./meter.js";
import { notice } from "./notice.js";
import { Scroll } from "./scroll.js";
import { Watch } from "./store.js";
import type { Outgoing, Talk } from "./talk.js";
import { welcome } from "./welcome.js";

/** Milliseconds that a connection may be away before it is said. */
const GRACE = 1_500;

export class ParleyPane extends LitElement {
  static override properties = {
    talk: { attribute: false },
    standing: { attribute: false },
    persona: { attribute: false },
    drafts: { attribute: false },
    vision: { type: Boolean },
    said: { state: true },
    sendAt: { state: true },
    far: { state: true },
    late: { state: true },
  };
  static override styles = [reset, controls, pane];

  declare talk: Talk;
  declare standing: Standing;
  declare persona: PersonaBody | null;
  declare drafts: Drafts;
  declare vision: boolean;
  declare said: string;
  declare sendAt: number | null;
  declare far: boolean;
  declare late: boolean;
  readonly #watch = new Watch(this);
  #scroll: Scroll | null = null;
  #shown: string | null | undefined = undefined;
  #last: { key: string; state: string } | null = null;
  #tick: ReturnType<typeof setInterval> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.standing = { state: "none" };
    this.persona = null;
    this.drafts = passing();
    this.vision = false;
    this.said = "";
    this.sendAt = null;
    this.far = false;
    this.late = false;
  }

  get composer(): ParleyComposer {
    return this.renderRoot.querySelector("parley-composer") as ParleyComposer;
  }

  override willUpdate(changed: Map<string, unknown>): void {
    this.#watch.on(this.talk);
    if (changed.has("standing")) this.#stand();
    this.#announce();
  }

  override render() {
    const { talk } = this;
    const { messages, live } = talk;
    const name = this.persona?.title ?? t("app");
    return html`
      <div class="log" role="log" aria-live="off" aria-label=${t("conversation")} tabindex="0" @dragover=${this.#over} @drop=${this.#drop}>
        <div class="column inner">
          <slot name="welcome">${messages.length || talk.conversation ? nothing : welcome(this.persona, (text, fill) => this.#starter(text, fill))}</slot>
          ${talk.older ? html`<button class="older" @click=${() => talk.readOlder()}>${t("loadMore")}</button>` : nothing}
          ${talk.problem ? html`<div class="notice bad" role="alert"><span>${talk.problem.message}</span><button @click=${() => talk.reload()}>${t("tryAgain")}</button></div>` : nothing}
          ${repeat(
            messages,
            (one) => one.key,
            (one) => html`
              <parley-message
                part="message"
                .message=${one}
                .version=${one.version}
                .name=${name}
                .idle=${live === null}
                .pictures=${talk.pictures}
                @parley-act=${this.#act}
              ></parley-message>
            `,
          )}
        </div>
      </div>
      <div class="foot">
        <div class="column">
          ${this.far ? html`<button class="down" @click=${() => this.#scroll?.toEnd()}>${icon("down")} ${t("newText")}</button>` : nothing}
          <div class="standing" role="status">${this.late ? notice(this.standing, Date.now()) : nothing}</div>
          ${returned(talk, (when) => this.#later(when))} ${fallback(talk)}
          ${this.sendAt ? html`<div class="notice"><span>${t("willSend", { at: new Date(this.sendAt).toLocaleTimeString() })}</span></div>` : nothing}
          <parley-composer
            part="composer"
            ?busy=${live !== null}
            ?vision=${this.vision}
            @parley-send=${(event: CustomEvent<Outgoing>) => this.#send(event.detail)}
            @parley-stop=${() => talk.stop()}
            @parley-draft=${(event: CustomEvent<string>) => this.drafts.write(talk.conversation, event.detail)}
            @parley-back=${this.#editLast}
          ></parley-composer>
          <parley-meter part="meter" .usage=${talk.usage} .model=${talk.model}></parley-meter>
        </div>
      </div>
      <div class="unseen" role="status">${this.said}</div>
    `;
  }

  protected override firstUpdated(): void {
    const log = this.renderRoot.querySelector<HTMLElement>(".log");
    const inner = this.renderRoot.querySelector<HTMLElement>(".inner");
    if (!log || !inner) return;
    this.#scroll = new Scroll(log, inner, () => {
      this.far = this.#scroll?.far ?? false;
      log.classList.toggle("reading", !this.#scroll?.pinned);
    });
  }

  protected override updated(): void {
    if (this.#shown !== this.talk.conversation) this.#arrive();
    const { returned } = this.talk;
    if (returned && this.composer.field.value === "") {
      this.composer.write(returned.text);
      this.composer.show(returned.images ?? []);
      this.drafts.write(this.talk.conversation, returned.text);
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#scroll?.stop();
    for (const timer of [this.#tick, this.#grace, this.#timer]) clearTimeout(timer);
  }

  /** Another conversation is shown: its draft, and its end. */
  #arrive(): void {
    const before = this.#shown;
    const now = this.talk.conversation;
    this.#shown = now;
    // A new conversation that got its id is still the same one.
    if (before === null && now !== null && this.talk.live) this.drafts.write(null, "");
    else if (this.composer.field) this.composer.write(this.drafts.read(now));
    this.#scroll?.toEnd();
  }

  #send(said: Outgoing): void {
    this.drafts.write(this.talk.conversation, "");
    this.sendAt = null;
    this.talk.send(said);
    this.#scroll?.toEnd();
  }

  #starter(text: string, fill: boolean): void {
    if (fill) {
      this.composer.write(text);
      this.composer.focus();
    } else this.#send({ text });
  }

  #later(when: number): void {
    const said = this.talk.returned;
    this.sendAt = when;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.sendAt !== when || !said) return;
      this.composer.write("");
      this.#send({ text: said.text, ...(said.images ? { images: said.images } : {}) });
    }, when - Date.now());
  }

  #act(event: CustomEvent<{ what: string; message: Message; text?: string }>): void {
    const { what, message, text } = event.detail;
    if (what === "say") this.said = text ?? "";
    else if (this.talk.live) return;
    else void this.#change(what, message, text ?? "");
  }

  /** Changes the conversation; who acted on a message stays at its place, although another one stands there. */
  async #change(what: string, message: Message, text: string): Promise<void> {
    const at = this.talk.messages.indexOf(message);
    if (what === "retry") this.talk.retry(message);
    else if (what === "resend") this.talk.resend(message, text);
    else await this.talk.choose(message, what === "next" ? 1 : -1);
    await this.updateComplete;
    const there = this.renderRoot.querySelectorAll<ParleyMessage>("parley-message")[at];
    await there?.updateComplete;
    there?.focus({ preventScroll: true });
  }

  #editLast(): void {
    const all = [...this.renderRoot.querySelectorAll<ParleyMessage>("parley-message")];
    const last = all.findLast((one) => one.message.role === "user" && one.message.id !== null);
    if (last && !this.talk.live) last.edit(true);
  }

  #announce(): void {
    const last = this.talk.messages.at(-1);
    if (last?.role !== "assistant") return;
    const done = last.state === "done";
    const now = { key: last.key, state: done ? "done" : "answering" };
    const before = this.#last;
    this.#last = now;
    const same = before?.key === now.key;
    if ((same && before?.state !== now.state) || (!same && !done))
      this.said = announced(last, this.persona?.title ?? t("app"));
  }

  /** Says how the connection stands once it has been away for a while, and counts the seconds. */
  #stand(): void {
    clearTimeout(this.#grace);
    clearInterval(this.#tick);
    const fine = this.standing.state === "open" || this.standing.state === "none";
    if (fine) this.late = false;
    else {
      this.#grace = setTimeout(
        () => {
          this.late = true;
        },
        this.late ? 0 : GRACE,
      );
      this.#tick = setInterval(() => this.requestUpdate(), 1_000);
    }
  }

  #over(event: DragEvent): void {
    if (this.vision) event.preventDefault();
  }

  #drop(event: DragEvent): void {
    if (!this.vision) return;
    event.preventDefault();
    void this.composer.add(filesOf(event.dataTransfer));
  }
}

customElements.define("parley-pane", ParleyPane);
