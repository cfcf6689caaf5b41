/** Where a message is written. */

import { css, html, LitElement } from "lit";
import { controls, reset } from "../look/controls.js";
import { t } from "../words/index.js";
import { sends } from "./keys.js";

/** Dispatches `parley-send` with the text, and `parley-stop`. */
export class ParleyComposer extends LitElement {
  static override properties = { busy: { type: Boolean } };
  static override shadowRootOptions = { ...LitElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: block;
      }
      form {
        display: flex;
        gap: 8px;
        align-items: flex-end;
        padding: 8px;
        border: 1px solid var(--parley-edge);
        border-radius: 16px;
        background: var(--parley-bg);
      }
      form:focus-within {
        border-color: var(--parley-accent);
        box-shadow: 0 0 0 1px var(--parley-accent);
      }
      textarea {
        flex: 1;
        min-width: 0;
        font: 16px/1.5 var(--parley-font);
        field-sizing: content;
        min-height: 36px;
        max-height: min(40dvh, 320px);
        resize: none;
        border: 0;
        outline: 0;
        background: none;
        padding: 6px 8px;
      }
    `,
  ];

  declare busy: boolean;

  constructor() {
    super();
    this.busy = false;
  }

  get field(): HTMLTextAreaElement {
    return this.renderRoot.querySelector("textarea") as HTMLTextAreaElement;
  }

  override render() {
    return html`
      <form @submit=${this.#submit}>
        <textarea
          rows="1"
          dir="auto"
          enterkeyhint="send"
          aria-label=${t("message")}
          placeholder=${t("messagePlaceholder")}
          @keydown=${this.#key}
        ></textarea>
        ${
          this.busy
            ? html`<button type="button" class="stop" @click=${this.#stop}>${t("stop")}</button>`
            : html`<button class="main send">${t("send")}</button>`
        }
      </form>
    `;
  }

  #key(event: KeyboardEvent): void {
    if (sends(event)) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape" && this.busy) this.#stop();
  }

  #submit(event: Event): void {
    event.preventDefault();
    this.#send();
  }

  #send(): void {
    const text = this.field.value;
    if (this.busy || !text.trim()) return;
    this.field.value = "";
    this.dispatchEvent(new CustomEvent("parley-send", { detail: text, bubbles: true, composed: true }));
  }

  #stop(): void {
    this.dispatchEvent(new CustomEvent("parley-stop", { bubbles: true, composed: true }));
  }
}

customElements.define("parley-composer", ParleyComposer);
