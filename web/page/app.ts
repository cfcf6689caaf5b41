/** The chat page: who is here, which conversation is shown. */

import { css, html, LitElement } from "lit";
import { Parley, ParleyError, type Standing } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import "../parts/pane.js";
import { Talk } from "../parts/talk.js";
import { t } from "../words/index.js";
import "./sign-in.js";

const KEY = "parley-key";

export class ParleyApp extends LitElement {
  static override properties = { place: { state: true }, problem: { state: true }, standing: { state: true } };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: block;
      }
      .page {
        display: flex;
        flex-direction: column;
        height: 100dvh;
      }
      parley-pane {
        flex: 1;
      }
    `,
  ];

  declare place: "arriving" | "outside" | "inside";
  declare problem: string | null;
  declare standing: Standing;
  #parley = this.#client();
  #talk = new Talk(this.#parley);

  constructor() {
    super();
    this.place = "arriving";
    this.problem = null;
    this.standing = { state: "none" };
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#enter();
  }

  override render() {
    if (this.place === "arriving") return html``;
    if (this.place === "outside") {
      return html`<parley-sign-in .problem=${this.problem} @parley-key=${this.#key}></parley-sign-in>`;
    }
    return html`
      <main class="page"><parley-pane .talk=${this.#talk} .standing=${this.standing}></parley-pane></main>
    `;
  }

  #client(): Parley {
    const parley = new Parley({ server: location.origin, credential: async () => sessionStorage.getItem(KEY) });
    parley.onstanding = (standing) => {
      this.standing = standing;
    };
    return parley;
  }

  async #enter(): Promise<void> {
    try {
      await this.#parley.rest.usage();
      this.place = "inside";
      this.#parley.open();
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      const tried = sessionStorage.getItem(KEY) !== null;
      sessionStorage.removeItem(KEY);
      this.problem = error.status === 401 ? (tried ? t("wrongKey") : null) : error.message;
      this.place = "outside";
    }
  }

  #key(event: CustomEvent<string>): void {
    sessionStorage.setItem(KEY, event.detail);
    this.#parley.close();
    this.#parley = this.#client();
    this.#talk = new Talk(this.#parley);
    void this.#enter();
  }
}

customElements.define("parley-app", ParleyApp);
