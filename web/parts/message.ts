/** One message: its text, who said it, and how it ended. */

import { css, html, LitElement, nothing } from "lit";
import { controls, reset } from "../look/controls.js";
import { t } from "../words/index.js";
import type { End, Message } from "./chat.js";

export class ParleyMessage extends LitElement {
  static override properties = { message: { attribute: false }, version: { type: Number }, name: {} };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: block;
        padding: 8px 0;
        font: 16px/1.6 var(--parley-font);
        color: var(--parley-text);
        content-visibility: auto;
        contain-intrinsic-size: auto 120px;
      }
      .text {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .user {
        margin-inline-start: auto;
        width: fit-content;
        max-width: 85%;
        padding: 8px 14px;
        border-radius: 16px;
        background: var(--parley-accent-soft);
      }
      .note {
        font-size: 14px;
        color: var(--parley-muted);
      }
      .note.bad {
        color: var(--parley-bad);
      }
    `,
  ];

  declare message: Message;
  declare version: number;
  declare name: string;

  override render() {
    const { role, text, state, end } = this.message;
    const whose = role === "user" ? t("you") : this.name;
    return html`
      <article class=${role} aria-label=${whose} aria-busy=${state === "answering"}>
        <div class="text" dir="auto">${text}</div>
        ${role === "assistant" && !text && state !== "done" ? html`<div class="note">${waiting(this.message)}</div>` : nothing}
        ${end ? html`<div class=${end.kind === "stopped" ? "note" : "note bad"}>${ending(end)}</div>` : nothing}
      </article>
    `;
  }
}

function waiting(message: Message): string {
  if (message.state === "waiting") return t("queued", { n: message.position ?? 1 });
  return message.state === "sending" ? t("sending") : t("thinking");
}

function ending(end: End): string {
  switch (end.kind) {
    case "stopped":
      return t("stopped");
    case "length":
      return t("lengthLimit");
    case "filtered":
      return t("filtered");
    case "broken":
      return t("broken");
    case "unfinished":
      return t("unfinished");
    case "failed":
      return t("failed", { why: end.error.message });
    case "refused":
      return t("refused", { why: end.error.message });
  }
}

customElements.define("parley-message", ParleyMessage);
