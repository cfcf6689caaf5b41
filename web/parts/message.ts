/** One message: its text, who said it, what can be done with it, and how it ended. */

import { css, html, LitElement, nothing } from "lit";
import { until } from "lit/directives/until.js";
import { controls, reset } from "../look/controls.js";
import { prose } from "../look/prose.js";
import { label, pieces } from "../text/odd.js";
import { sourceOf } from "../text/patch.js";
import { Stream } from "../text/stream.js";
import { t } from "../words/index.js";
import { actions } from "./actions.js";
import type { Message, Shown } from "./chat.js";
import { copy } from "./clipboard.js";
import { ending, waiting } from "./ending.js";
import type { Pictures } from "./pictures.js";

/** Dispatches `parley-act` with what is to be done with the message. */
export class ParleyMessage extends LitElement {
  static override properties = {
    message: { attribute: false },
    version: { type: Number },
    name: {},
    idle: { type: Boolean },
    pictures: { attribute: false },
    editing: { state: true },
  };
  static override styles = [
    reset,
    controls,
    prose,
    css`
      :host {
        display: block;
        padding: 8px 0;
        font: 16px/1.6 var(--parley-font);
        color: var(--parley-text);
        content-visibility: auto;
        contain-intrinsic-size: auto 120px;
      }
      .said {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      article.user {
        display: flex;
        flex-direction: column;
        align-items: flex-end;
      }
      .user .said {
        width: fit-content;
        max-width: 85%;
        padding: 8px 14px;
        border-radius: 16px;
        background: var(--parley-accent-soft);
      }
      .images {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        margin-bottom: 4px;
      }
      .images img {
        max-width: 220px;
        max-height: 220px;
        border-radius: 10px;
        border: 1px solid var(--parley-border);
      }
      .note {
        font-size: 14px;
        color: var(--parley-muted);
        margin-top: 4px;
      }
      .note.bad {
        color: var(--parley-bad);
      }
      .badge {
        display: inline-block;
        font-size: 13px;
        padding: 1px 8px;
        margin-bottom: 4px;
        border-radius: 8px;
        background: var(--parley-warn-soft);
        color: var(--parley-warn);
      }
      details {
        font-size: 14px;
        color: var(--parley-muted);
        margin-bottom: 8px;
        white-space: pre-wrap;
      }
      .actions {
        display: flex;
        gap: 2px;
        align-items: center;
        margin-top: 2px;
        font-size: 13px;
        color: var(--parley-muted);
        opacity: 0;
        transition: opacity var(--parley-quick);
      }
      :host(:hover) .actions,
      :host(:focus-within) .actions,
      .actions.last {
        opacity: 1;
      }
      @media (hover: none) {
        .actions {
          opacity: 1;
        }
      }
      .editor {
        display: grid;
        gap: 8px;
        width: 100%;
      }
      .editor textarea {
        font: inherit;
        width: 100%;
        field-sizing: content;
        max-height: 40dvh;
      }
      .editor div {
        display: flex;
        gap: 8px;
        justify-content: flex-end;
      }
    `,
  ];

  declare message: Message;
  declare version: number;
  declare name: string;
  declare idle: boolean;
  declare pictures: Pictures | null;
  declare editing: boolean;
  #stream: Stream | null = null;
  #finished = false;

  constructor() {
    super();
    this.idle = true;
    this.pictures = null;
    this.editing = false;
  }

  override render() {
    const { role, state } = this.message;
    const whose = role === "user" ? t("you") : this.name;
    return html`
      <article
        class=${role}
        aria-label=${whose}
        aria-busy=${role === "assistant" && state !== "done"}
        tabindex="-1"
        @click=${this.#click}
        @keydown=${this.#key}
      >
        ${role === "user" ? this.#question() : this.#answer()}
      </article>
    `;
  }

  #question() {
    if (this.editing) return this.#editor();
    const { message } = this;
    return html`
      ${message.images.length ? html`<div class="images">${message.images.map((one, at) => this.#picture(one, t("imageAlt", { n: at + 1 })))}</div>` : nothing}
      ${message.text ? html`<div class="said" dir="auto">${pieces(message.text).map((one) => (typeof one === "string" ? one : html`<span class="odd">${label(one.chip)}</span>`))}</div>` : nothing}
      ${actions(message, this.idle, (what) => this.#act(what))}
    `;
  }

  #picture(one: Shown, alt: string) {
    if ("src" in one) return html`<img src=${one.src} alt=${alt} />`;
    const found = this.pictures?.url(one.file).then((src) => (src ? html`<img src=${src} alt=${alt} />` : alt));
    return found ? until(found, alt) : alt;
  }

  #answer() {
    const { message } = this;
    const { end, servedBy } = message;
    return html`
      ${servedBy ? html`<div><span class="badge">${t("insteadOf", { served: servedBy.served, asked: servedBy.asked })}</span></div>` : nothing}
      ${message.thought ? html`<details><summary>${t("thoughts")}</summary>${message.thought}</details>` : nothing}
      <div class="prose"></div>
      ${!message.text && message.state !== "done" ? html`<div class="note">${waiting(message)}</div>` : nothing}
      ${end ? html`<div class=${end.kind === "stopped" ? "note" : "note bad"}>${ending(end)}</div>` : nothing}
      ${message.state === "done" ? actions(message, this.idle, (what) => this.#act(what)) : nothing}
    `;
  }

  #editor() {
    return html`
      <form class="editor" @submit=${this.#save}>
        <textarea dir="auto" aria-label=${t("edit")} .value=${this.message.text}></textarea>
        <div>
          <button type="button" @click=${() => this.edit(false)}>${t("cancel")}</button>
          <button class="main">${t("save")}</button>
        </div>
      </form>
    `;
  }

  protected override updated(): void {
    if (this.message.role === "assistant") this.#write();
  }

  #write(): void {
    const host = this.renderRoot.querySelector<HTMLElement>(".prose");
    if (!host) return;
    const { text, state } = this.message;
    if (!this.#stream || text.length < this.#stream.length) {
      host.replaceChildren();
      this.#finished = false;
      this.#stream = new Stream(host, {
        copy: t("copy"),
        image: (site) => t("imageFrom", { host: site }),
        more: (n) => t("showMore", { n: n.toLocaleString() }),
      });
    }
    if (text.length > this.#stream.length) this.#stream.append(text.slice(this.#stream.length));
    if (state === "done" && !this.#finished) {
      this.#finished = true;
      this.#stream.finish();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stream?.stop();
  }

  #act(what: string): void {
    if (what === "edit") this.edit(true);
    else if (what === "copy") void this.#copied(this.message.text);
    else this.#dispatch({ what, message: this.message });
  }

  override focus(options?: FocusOptions): void {
    this.renderRoot.querySelector<HTMLElement>("article")?.focus(options);
  }

  /** Begins or ends editing. */
  edit(on: boolean): void {
    this.editing = on;
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>(on ? "textarea" : "article")?.focus(),
    );
  }

  #save(event: Event): void {
    event.preventDefault();
    const text = this.renderRoot.querySelector("textarea")?.value ?? "";
    this.editing = false;
    if (text.trim()) this.#dispatch({ what: "resend", message: this.message, text });
  }

  #click(event: Event): void {
    const target = event.target as Element;
    const button = target.closest("[data-do='copy']");
    const code = button?.closest(".code")?.querySelector("code");
    if (code) void this.#copied(sourceOf(code));
    const host = target.closest<HTMLElement>("a[data-host]")?.dataset.host;
    if (host && !confirm(t("openLink", { host }))) event.preventDefault();
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const what = { c: "copy", r: "retry", e: "edit", ArrowLeft: "previous", ArrowRight: "next" }[event.key];
    const { role, siblings } = this.message;
    if (!what || (what === "edit" && role !== "user") || (what === "retry" && role !== "assistant")) return;
    if ((what === "previous" || what === "next") && siblings.length < 2) return;
    event.preventDefault();
    this.#act(what);
  }

  async #copied(text: string): Promise<void> {
    if (await copy(text)) this.#dispatch({ what: "say", message: this.message, text: t("copied") });
  }

  #dispatch(detail: { what: string; message: Message; text?: string }): void {
    this.dispatchEvent(new CustomEvent("parley-act", { detail, bubbles: true, composed: true }));
  }
}

customElements.define("parley-message", ParleyMessage);
