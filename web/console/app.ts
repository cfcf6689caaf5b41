/** The console's frame: who is here, the rail, and the view that the address names. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { ParleyError } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import { call, get, type Who } from "./api.js";
import "./caps.js";
import "./log.js";
import "./now.js";
import "./people.js";
import "./person.js";
import "./persona.js";
import "./personas.js";
import { go } from "./view.js";

const RAIL = [
  ["", "Now"],
  ["personas", "Personas"],
  ["caps", "Caps"],
  ["people", "People"],
  ["log", "Log"],
] as const;

export class ParleyConsole extends LitElement {
  static override properties = { who: { state: true }, outside: { state: true } };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: 12rem minmax(0, 1fr);
        min-height: 100dvh;
        font: 14px/1.45 var(--parley-font);
        color: var(--parley-text);
        background: var(--parley-bg);
      }
      nav {
        position: sticky;
        top: 0;
        height: 100dvh;
        display: flex;
        flex-direction: column;
        gap: 4px;
        padding: 16px;
        background: var(--parley-surface);
        border-inline-end: 1px solid var(--parley-border);
      }
      nav a {
        padding: 8px 12px;
        border-radius: 8px;
        color: inherit;
        text-decoration: none;
      }
      nav a:hover {
        background: var(--parley-raised);
      }
      nav a[aria-current] {
        background: var(--parley-accent-soft);
        color: var(--parley-accent);
        font-weight: 600;
      }
      .name {
        padding: 0 12px 12px;
        font-size: 18px;
        font-weight: 600;
      }
      .who {
        margin-top: auto;
        padding: 12px;
        color: var(--parley-muted);
        overflow-wrap: anywhere;
      }
      main {
        padding: 24px;
        max-width: 76rem;
      }
      .outside {
        grid-column: 1 / -1;
        place-self: center;
        max-width: 32rem;
      }
      @media (max-width: 48rem) {
        :host {
          display: block;
        }
        nav {
          position: static;
          height: auto;
          flex-flow: row wrap;
          padding: 8px;
        }
        .name {
          width: 100%;
          padding-bottom: 4px;
        }
        .who {
          margin: 0;
        }
        main {
          padding: 16px;
        }
      }
    `,
  ];

  declare who: Who | null;
  declare outside: string | null;
  readonly #turned = () => this.requestUpdate();

  constructor() {
    super();
    this.who = null;
    this.outside = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#turned);
    this.addEventListener("click", (event) => this.#follow(event));
    this.addEventListener("parley-out", () => {
      this.outside = "Your session has ended.";
    });
    void this.#enter();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("popstate", this.#turned);
  }

  override render() {
    if (this.outside !== null) {
      return html`
        <main class="outside">
          <h1>Console</h1>
          <p role="alert">${this.outside}</p>
          <p>To come in, open a link that <code>parley login --role operator</code> prints.</p>
        </main>
      `;
    }
    if (this.who === null) return html``;
    const [view = "", ...rest] = location.pathname
      .replace(/^\/console\/?/, "")
      .split("/")
      .map(decodeURIComponent);
    return html`
      <nav aria-label="Console">
        <div class="name">Parley</div>
        ${RAIL.map(
          ([path, name]) =>
            html`<a href="/console${path && `/${path}`}" aria-current=${view === path ? "page" : nothing}>${name}</a>`,
        )}
        <a href="/">Chat</a>
        <div class="who">
          ${this.who.user}
          <button class="bare" @click=${this.#leave}>Sign out</button>
        </div>
      </nav>
      <main>${shown(view, rest)}</main>
    `;
  }

  async #enter(): Promise<void> {
    try {
      const who = await get<Who>("/session");
      if (who.role === "operator") this.who = who;
      else this.outside = `You are signed in as ${who.user}, who is no operator.`;
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      this.outside = error.status === 401 ? "Nobody is signed in." : error.message;
    }
  }

  async #leave(): Promise<void> {
    await call("DELETE", "/session");
    this.outside = "You are signed out.";
  }

  /** Turns links to the console into changes of the view; what opens elsewhere is left to the browser. */
  #follow(event: MouseEvent): void {
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement);
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (!link || elsewhere || link.origin !== location.origin || !link.pathname.startsWith("/console")) return;
    event.preventDefault();
    go(link.href);
    this.renderRoot.querySelector("main")?.scrollTo(0, 0);
  }
}

function shown(view: string, rest: string[]): TemplateResult {
  const [name = ""] = rest;
  if (view === "personas" && name) return html`<console-persona .name=${name}></console-persona>`;
  if (view === "personas") return html`<console-personas></console-personas>`;
  if (view === "caps") return html`<console-caps></console-caps>`;
  if (view === "people" && name) return html`<console-person .name=${name}></console-person>`;
  if (view === "people") return html`<console-people></console-people>`;
  if (view === "log") return html`<console-log></console-log>`;
  return html`<console-now></console-now>`;
}

customElements.define("parley-console", ParleyConsole);
