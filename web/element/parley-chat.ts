/** `<parley-chat>`: a conversation to put into any page. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { Parley, ParleyError, type PersonaBody, type Source, type Standing } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import { tokens } from "../look/tokens.js";
import { type Drafts, kept, passing } from "../parts/drafts.js";
import type { ParleyPane } from "../parts/pane.js";
import "../parts/pane.js";
import { Watch } from "../parts/store.js";
import { Talk } from "../parts/talk.js";
import { language, speak, t } from "../words/index.js";
import { options } from "./options.js";

export class ParleyChat extends LitElement {
  static override properties = {
    theme: { reflect: true },
    lang: {},
    compact: { type: Boolean, reflect: true },
    standing: { state: true },
    persona: { state: true },
    problem: { state: true },
    vision: { state: true },
  };
  static override styles = [
    tokens(":host"),
    reset,
    controls,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 32rem;
        min-height: 0;
        color-scheme: light dark;
        background: var(--parley-bg);
        color: var(--parley-text);
        font: 16px/1.6 var(--parley-font);
      }
      :host([theme="light"]) {
        color-scheme: light;
      }
      :host([theme="dark"]) {
        color-scheme: dark;
      }
      parley-pane {
        flex: 1;
      }
      :host([compact]) parley-pane::part(meter) {
        display: none;
      }
      .problem {
        margin: auto;
        padding: 16px;
        text-align: center;
      }
    `,
  ];

  declare theme: "auto" | "light" | "dark";
  declare compact: boolean;
  declare standing: Standing;
  declare persona: PersonaBody | null;
  declare problem: string | null;
  declare vision: boolean;
  readonly #watch = new Watch(this);
  #source: Source | null = null;
  #parley: Parley | null = null;
  #talk: Talk | null = null;
  #drafts: Drafts = passing();
  #told: { conversation: string | null; live: string | null; refused: ParleyError | null } = {
    conversation: null,
    live: null,
    refused: null,
  };

  constructor() {
    super();
    this.theme = "auto";
    this.compact = false;
    this.standing = { state: "none" };
    this.persona = null;
    this.problem = null;
    this.vision = false;
  }

  /** Where the secret comes from; it is kept by the element and shown to nobody. */
  set credential(source: Source) {
    this.#source = source;
    if (this.isConnected) this.#begin();
  }

  /** Sends a message. */
  send(text: string): void {
    this.#talk?.send({ text });
  }

  /** Stops the answer that is running. */
  stop(): void {
    this.#talk?.stop();
  }

  newConversation(): void {
    void this.#talk?.open(null);
  }

  /** Puts text into the field. */
  setDraft(text: string): void {
    this.#pane?.composer.write(text);
  }

  override focus(): void {
    this.#pane?.composer.focus();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    speak([this.lang || document.documentElement.lang || navigator.language]);
    this.#begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#end();
  }

  override willUpdate(): void {
    this.#watch.on(this.#talk);
  }

  override render() {
    if (this.problem) {
      return html`<div class="problem" role="alert">
        <p>${this.problem}</p>
        <button @click=${() => this.#begin()}>${t("tryAgain")}</button>
      </div>`;
    }
    if (!this.#talk) return nothing;
    return html`
      <slot name="header"></slot>
      <parley-pane
        exportparts="log, message, composer, meter"
        .talk=${this.#talk}
        .standing=${this.standing}
        .persona=${this.persona}
        .drafts=${this.#drafts}
        ?vision=${this.vision}
        >${this.querySelector("[slot=welcome]") ? html`<slot name="welcome" slot="welcome"></slot>` : nothing}</parley-pane
      >
      <slot name="footer"></slot>
    `;
  }

  protected override updated(_: PropertyValues): void {
    const talk = this.#talk;
    if (!talk) return;
    const { conversation, live, returned } = talk;
    const before = this.#told;
    this.#told = { conversation, live: live?.key ?? null, refused: returned?.error ?? null };
    if (before.conversation !== conversation) this.#tell("parley-conversation", { conversation });
    if (live && before.live !== live.key) this.#tell("parley-turn-start", { conversation });
    if (!live && before.live)
      this.#tell("parley-turn-end", { conversation, responseId: talk.messages.at(-1)?.responseId ?? null });
    const refused = returned?.error;
    if (refused && refused !== before.refused) {
      this.#tell(refused.code === "usage_cap_reached" ? "parley-cap" : "parley-error", {
        code: refused.code,
        message: refused.message,
      });
    }
  }

  get #pane(): ParleyPane | null {
    return this.renderRoot.querySelector("parley-pane");
  }

  #begin(): void {
    this.#end();
    this.problem = null;
    try {
      const chosen = options((name) => this.getAttribute(name), import.meta.url, location.href);
      const source = this.#source ?? (chosen.credentialUrl ? fetched(chosen.credentialUrl) : null);
      // The page sets the property a moment later, or a cookie of the server's own page says who asks.
      if (!source && chosen.server !== location.origin) return;
      this.#drafts = this.hasAttribute("keep-drafts") ? kept() : passing();
      const parley = new Parley({ server: chosen.server, ...(source ? { credential: source } : {}) });
      parley.rest.language = language();
      const talk = new Talk(parley);
      talk.set({ persona: chosen.persona, model: chosen.model });
      this.#parley = parley;
      this.#talk = talk;
      parley.onstanding = (standing) => {
        this.standing = standing;
      };
      parley.onusage = (usage) => talk.set({ usage });
      void this.#arrive(parley, talk, chosen.conversation);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #arrive(parley: Parley, talk: Talk, conversation: string | null): Promise<void> {
    try {
      const [usage, personas, models] = await Promise.all([
        parley.rest.usage(),
        parley.rest.personas(),
        parley.rest.models(),
      ]);
      // Without a persona of its own the page leaves it to the secret, which may be bound to one.
      this.persona = personas.data.find((one) => one.id === talk.persona) ?? null;
      this.vision = models.data.some((one) => one.vision && (talk.model === null || one.id === talk.model));
      talk.set({ usage, greeting: this.persona?.greetings.length ? 0 : null });
      parley.open();
      await talk.open(conversation);
      this.requestUpdate();
      this.#tell("parley-ready", {});
    } catch (error) {
      if (parley === this.#parley) this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.problem = error.message;
    const code = error instanceof ParleyError ? error.code : "invalid_options";
    this.#tell("parley-error", { code, message: error.message });
  }

  #end(): void {
    this.#parley?.close();
    this.#parley = null;
    this.#talk = null;
  }

  #tell(name: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/** Returns a source that asks the page's own server, with the page's cookies. */
function fetched(url: string): Source {
  return async () => {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { accept: "application/json" },
    });
    if (!answer.ok)
      throw new ParleyError(answer.status, { message: `${url} answered ${answer.status}.`, code: "no_credential" });
    return answer.json();
  };
}
