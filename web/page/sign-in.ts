/** The page before somebody is known: asks for a sign-in link. */

import { css, html, LitElement, nothing } from "lit";
import { controls, reset } from "../look/controls.js";
import { t } from "../words/index.js";

/** Dispatches `parley-code` with the code of a link. */
export class ParleySignIn extends LitElement {
  static override properties = { problem: {} };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: grid;
        place-items: center;
        height: 100dvh;
        padding: 16px;
        font: 16px/1.6 var(--parley-font);
        color: var(--parley-text);
        background: var(--parley-surface);
      }
      form {
        display: grid;
        gap: 12px;
        width: min(26rem, 100%);
        padding: 32px;
        border-radius: 16px;
        border: 1px solid var(--parley-border);
        background: var(--parley-bg);
      }
      h1 {
        margin: 0;
        font-size: 22px;
      }
      p {
        margin: 0;
        color: var(--parley-muted);
        font-size: 14px;
      }
      label {
        display: grid;
        gap: 4px;
        font-size: 14px;
      }
      .problem {
        color: var(--parley-bad);
      }
    `,
  ];

  declare problem: string | null;

  constructor() {
    super();
    this.problem = null;
  }

  override render() {
    return html`
      <main>
        <form @submit=${this.#submit}>
          <h1>${t("app")}</h1>
          <p>${t("signInWith")}</p>
          <label>${t("link")}<input name="link" autocomplete="off" spellcheck="false" required /></label>
          ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
          <button class="main">${t("signIn")}</button>
        </form>
      </main>
    `;
  }

  #submit(event: Event): void {
    event.preventDefault();
    const link = new FormData(event.target as HTMLFormElement).get("link") as string;
    // The whole link or its end will do.
    const code = link.trim().split("#").at(-1) ?? "";
    this.dispatchEvent(new CustomEvent("parley-code", { detail: code }));
  }
}

customElements.define("parley-sign-in", ParleySignIn);
