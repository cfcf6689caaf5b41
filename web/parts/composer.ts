/** Where a message is written. */

import { css, html, LitElement, nothing } from "lit";
import { controls, reset } from "../look/controls.js";
import { t } from "../words/index.js";
import { icon } from "./icons.js";
import { filesOf, type Picture, picture } from "./images.js";
import { sends } from "./keys.js";
import type { Outgoing } from "./talk.js";

/** Dispatches `parley-send` with what was written, `parley-stop`, `parley-draft` with the text, `parley-back` for Up in an empty field. */
export class ParleyComposer extends LitElement {
  static override properties = {
    busy: { type: Boolean },
    vision: { type: Boolean },
    pictures: { state: true },
    problem: { state: true },
  };
  static override shadowRootOptions = { ...LitElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: block;
      }
      form {
        padding: 6px;
        border: 1px solid var(--parley-edge);
        border-radius: 18px;
        background: var(--parley-bg);
      }
      form:focus-within {
        border-color: var(--parley-accent);
        box-shadow: 0 0 0 1px var(--parley-accent);
      }
      .line {
        display: flex;
        gap: 6px;
        align-items: flex-end;
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
        background: none;
        padding: 6px 8px;
      }
      textarea:focus-visible {
        outline: none;
      }
      button.round {
        border-radius: 50%;
        min-width: 36px;
        min-height: 36px;
        padding: 0;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        list-style: none;
        margin: 4px 4px 8px;
        padding: 0;
      }
      li {
        position: relative;
      }
      li img {
        display: block;
        width: 72px;
        height: 72px;
        object-fit: cover;
        border-radius: 10px;
        border: 1px solid var(--parley-border);
      }
      li button {
        position: absolute;
        inset-block-start: -6px;
        inset-inline-end: -6px;
        min-width: 24px;
        min-height: 24px;
        padding: 0;
        border-radius: 50%;
      }
      .problem {
        font-size: 14px;
        color: var(--parley-bad);
        padding: 0 8px;
      }
      @media (pointer: coarse) {
        button.round {
          min-width: 44px;
          min-height: 44px;
        }
      }
    `,
  ];

  declare busy: boolean;
  declare vision: boolean;
  declare pictures: Picture[];
  declare problem: string | null;

  constructor() {
    super();
    this.busy = false;
    this.vision = false;
    this.pictures = [];
    this.problem = null;
  }

  get field(): HTMLTextAreaElement {
    return this.renderRoot.querySelector("textarea") as HTMLTextAreaElement;
  }

  /** Puts text into the field. */
  write(text: string): void {
    this.field.value = text;
  }

  /** Puts pictures back. */
  show(pictures: readonly Picture[]): void {
    this.pictures = [...pictures];
  }

  /** Adds pictures; those that are none are said to be. */
  async add(files: readonly File[]): Promise<void> {
    this.problem = null;
    for (const file of files) {
      const made = await picture(file);
      if (made) this.pictures = [...this.pictures, made];
      else this.problem = t("tooLarge", { name: file.name });
    }
  }

  override render() {
    return html`
      <form @submit=${this.#submit}>
        ${this.pictures.length ? html`<ul>${this.pictures.map((one) => this.#thumb(one))}</ul>` : nothing}
        <div class="line">
          ${this.vision ? this.#picker() : nothing}
          <textarea
            rows="1"
            dir="auto"
            enterkeyhint="send"
            aria-label=${t("message")}
            placeholder=${t("messagePlaceholder")}
            @keydown=${this.#key}
            @input=${this.#input}
            @paste=${this.#paste}
          ></textarea>
          ${
            this.busy
              ? html`<button type="button" class="round" aria-label=${t("stop")} title=${t("stop")} @click=${this.#stop}>${icon("stop")}</button>`
              : html`<button class="main round" aria-label=${t("send")} title=${t("send")}>${icon("send")}</button>`
          }
        </div>
        ${this.problem ? html`<div class="problem" role="alert">${this.problem}</div>` : nothing}
      </form>
    `;
  }

  #thumb(one: Picture) {
    const word = t("removeImage", { name: one.name });
    const remove = () => {
      this.pictures = this.pictures.filter((other) => other !== one);
    };
    return html`
      <li>
        <img src=${one.src} alt=${one.name} />
        <button type="button" aria-label=${word} title=${word} @click=${remove}>${icon("close")}</button>
      </li>
    `;
  }

  #picker() {
    return html`
      <button type="button" class="bare round" aria-label=${t("attach")} title=${t("attach")} @click=${() => this.renderRoot.querySelector<HTMLInputElement>("[type=file]")?.click()}>
        ${icon("image")}
      </button>
      <input type="file" accept="image/png,image/jpeg,image/webp,image/gif" multiple hidden @change=${this.#picked} />
    `;
  }

  #picked(event: Event): void {
    const field = event.target as HTMLInputElement;
    void this.add([...(field.files ?? [])]);
    field.value = "";
  }

  #paste(event: ClipboardEvent): void {
    const files = filesOf(event.clipboardData);
    if (!this.vision || files.length === 0) return;
    event.preventDefault();
    void this.add(files);
  }

  #input(): void {
    this.dispatchEvent(new CustomEvent("parley-draft", { detail: this.field.value }));
  }

  #key(event: KeyboardEvent): void {
    if (sends(event)) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape" && this.busy) this.#stop();
    else if (event.key === "ArrowUp" && this.field.value === "") this.dispatchEvent(new CustomEvent("parley-back"));
  }

  #submit(event: Event): void {
    event.preventDefault();
    this.#send();
  }

  #send(): void {
    const text = this.field.value;
    if (this.busy || (!text.trim() && this.pictures.length === 0)) return;
    const detail: Outgoing = { text, images: this.pictures };
    this.field.value = "";
    this.pictures = [];
    this.dispatchEvent(new CustomEvent("parley-send", { detail }));
  }

  #stop(): void {
    this.dispatchEvent(new CustomEvent("parley-stop"));
  }
}

customElements.define("parley-composer", ParleyComposer);
