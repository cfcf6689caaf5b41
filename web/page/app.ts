/** The chat page: who is here, which conversation is shown. */

import { html, LitElement } from "lit";
import { type ModelBody, Parley, ParleyError, type PersonaBody, type Standing } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import { page } from "../look/page.js";
import { kept } from "../parts/drafts.js";
import { icon } from "../parts/icons.js";
import "../parts/pane.js";
import { Watch } from "../parts/store.js";
import { Talk } from "../parts/talk.js";
import { plain } from "../text/odd.js";
import { language, t } from "../words/index.js";
import type { ParleyList } from "./list.js";
import "./list.js";
import { addressOf, conversationAt } from "./route.js";
import { setLanguage, setTheme, type Theme, theme } from "./settings.js";
import "./sign-in.js";
import { who } from "./who.js";

export class ParleyApp extends LitElement {
  static override properties = {
    place: { state: true },
    problem: { state: true },
    standing: { state: true },
    personas: { state: true },
    models: { state: true },
    listing: { state: true },
  };
  static override styles = [reset, controls, page];

  declare place: "arriving" | "outside" | "inside";
  declare problem: string | null;
  declare standing: Standing;
  declare personas: PersonaBody[];
  declare models: ModelBody[];
  declare listing: boolean;
  readonly #drafts = kept();
  readonly #watch = new Watch(this);
  readonly #parley = this.#client();
  readonly #talk = new Talk(this.#parley);
  #shown: string | null = null;
  #wasLive = false;

  constructor() {
    super();
    this.place = "arriving";
    this.problem = null;
    this.standing = { state: "none" };
    this.personas = [];
    this.models = [];
    this.listing = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#moved);
    window.addEventListener("keydown", this.#key);
    void this.#enter();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("popstate", this.#moved);
    window.removeEventListener("keydown", this.#key);
  }

  override willUpdate(): void {
    this.#watch.on(this.#talk);
  }

  override render() {
    if (this.place === "arriving") return html``;
    if (this.place === "outside") {
      return html`<parley-sign-in .problem=${this.problem} @parley-code=${this.#signIn}></parley-sign-in>`;
    }
    const talk = this.#talk;
    const model = this.models.find((one) => one.id === talk.model);
    return html`
      <div class="page ${this.listing ? "listing" : ""}" @keydown=${this.#escape}>
        <aside aria-label=${t("conversations")}>
          <header>
            <strong>${t("app")}</strong>
            <button class="bare icon narrow" aria-label=${t("close")} @click=${() => this.#list(false)}>${icon("close")}</button>
          </header>
          <parley-list .rest=${this.#parley.rest} .current=${talk.conversation} @parley-open=${(event: CustomEvent<string | null>) => this.#open(event.detail)}></parley-list>
          <footer>${this.#settings()}</footer>
        </aside>
        <main>
          <header>
            <button class="bare icon narrow" aria-label=${t("menu")} aria-expanded=${this.listing} @click=${() => this.#list(true)}>${icon("menu")}</button>
            <h2><bdi>${plain(talk.title) || t("newConversation")}</bdi></h2>
            ${who(talk, this.personas, this.models)}
          </header>
          <parley-pane
            .talk=${talk}
            .standing=${this.standing}
            .persona=${this.personas.find((one) => one.id === talk.persona) ?? null}
            .drafts=${this.#drafts}
            ?vision=${model ? model.vision === true : this.models.some((one) => one.vision)}
          ></parley-pane>
        </main>
      </div>
    `;
  }

  #settings() {
    const themes: [Theme, string][] = [
      ["auto", t("themeAuto")],
      ["light", t("themeLight")],
      ["dark", t("themeDark")],
    ];
    return html`
      <details>
        <summary>${t("settings")}</summary>
        <div>
          <label>
            ${t("theme")}
            <select @change=${(event: Event) => setTheme((event.target as HTMLSelectElement).value as Theme)}>
              ${themes.map(([value, word]) => html`<option value=${value} ?selected=${value === theme()}>${word}</option>`)}
            </select>
          </label>
          <label>
            ${t("languageWord")}
            <select @change=${(event: Event) => setLanguage((event.target as HTMLSelectElement).value)}>
              <option value="en" ?selected=${!language().startsWith("zh")}>English</option>
              <option value="zh" ?selected=${language().startsWith("zh")}>中文</option>
            </select>
          </label>
          <button @click=${this.#signOut}>${t("signOut")}</button>
        </div>
      </details>
    `;
  }

  protected override updated(): void {
    const { conversation, live } = this.#talk;
    if (conversation !== this.#shown) {
      this.#shown = conversation;
      if (conversationAt(location.pathname) !== conversation) history.pushState(null, "", addressOf(conversation));
    }
    // What is in the list has changed with the first word and with the last.
    if (this.#wasLive !== (live !== null) && conversation !== null) {
      void this.renderRoot.querySelector<ParleyList>("parley-list")?.refresh();
    }
    this.#wasLive = live !== null;
    document.title = this.#talk.title ? `${plain(this.#talk.title)} · ${t("app")}` : t("app");
  }

  #client(): Parley {
    const parley = new Parley({ server: location.origin });
    parley.rest.language = language();
    parley.onstanding = (standing) => {
      this.standing = standing;
      if (standing.state === "stopped" && standing.error.status === 401) this.#outside(t("signInAgain"));
    };
    parley.onusage = (usage) => this.#talk.set({ usage });
    return parley;
  }

  async #enter(): Promise<void> {
    try {
      const { rest } = this.#parley;
      const [usage, personas, models] = await Promise.all([rest.usage(), rest.personas(), rest.models()]);
      this.personas = personas.data;
      this.models = models.data.filter((one) => !one.id.startsWith("persona:"));
      this.#talk.set({ usage });
      this.#begin();
      this.place = "inside";
      this.#parley.open();
      await this.#moved();
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      this.#outside(error.status === 401 ? null : error.message);
    }
  }

  /** A new conversation begins with the usual persona. */
  #begin(): void {
    const usual = this.personas.find((one) => one.id === "assistant") ?? this.personas[0];
    if (usual) this.#talk.set({ persona: usual.id, dials: {}, greeting: usual.greetings.length ? 0 : null });
  }

  #outside(problem: string | null): void {
    this.problem = problem;
    this.place = "outside";
  }

  async #signIn(event: CustomEvent<string>): Promise<void> {
    try {
      await this.#parley.rest.call("POST", "/session", { code: event.detail });
      await this.#enter();
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      this.problem = error.code === "invalid_login_code" ? t("wrongLink") : error.message;
    }
  }

  async #signOut(): Promise<void> {
    await this.#parley.rest.call("DELETE", "/session").catch(() => null);
    this.#drafts.clear();
    location.assign("/");
  }

  #moved = async (): Promise<void> => {
    await this.#show(conversationAt(location.pathname));
  };

  #open(conversation: string | null): void {
    this.listing = false;
    void this.#show(conversation);
    void this.updateComplete.then(() => this.renderRoot.querySelector("parley-pane")?.composer.focus());
  }

  async #show(conversation: string | null): Promise<void> {
    if (conversation === null) this.#begin();
    const shown = this.#talk.open(conversation);
    if (conversation !== null) {
      const found = await this.#parley.rest.conversation(conversation).catch(() => null);
      if (found?.persona && this.#talk.conversation === conversation)
        this.#talk.set({ persona: found.persona, dials: {} });
    }
    await shown;
  }

  #list(on: boolean): void {
    this.listing = on;
  }

  #escape(event: KeyboardEvent): void {
    if (event.key === "Escape") this.listing = false;
  }

  #key = (event: KeyboardEvent): void => {
    if (
      this.place === "inside" &&
      event.key.toLowerCase() === "o" &&
      event.shiftKey &&
      (event.ctrlKey || event.metaKey)
    ) {
      event.preventDefault();
      this.#open(null);
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "parley-list": ParleyList;
    "parley-pane": import("../parts/pane.js").ParleyPane;
  }
}

customElements.define("parley-app", ParleyApp);
