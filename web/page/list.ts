/** The conversations of the user: found, opened, renamed, put away, taken along, deleted. */

import { css, html, LitElement, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ConversationBody, Match, Rest } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import { icon } from "../parts/icons.js";
import { plain } from "../text/odd.js";
import { t } from "../words/index.js";
import { save } from "./save.js";

const PAUSE = 200;

/** Dispatches `parley-open` with the id of a conversation, null for a new one. */
export class ParleyList extends LitElement {
  static override properties = {
    rest: { attribute: false },
    current: {},
    found: { state: true },
    results: { state: true },
    archived: { state: true },
    more: { state: true },
    menu: { state: true },
    renaming: { state: true },
  };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        font: 14px/1.45 var(--parley-font);
      }
      .top {
        display: grid;
        gap: 8px;
        padding: 0 8px 8px;
      }
      nav {
        flex: 1;
        overflow-y: auto;
        padding: 0 8px;
      }
      ul {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      li {
        position: relative;
        display: flex;
        align-items: center;
        border-radius: 8px;
      }
      li:hover,
      li.current {
        background: var(--parley-raised);
      }
      a.open {
        flex: 1;
        min-width: 0;
        padding: 8px 10px;
        color: inherit;
        text-decoration: none;
      }
      a.open span {
        display: block;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .snippet {
        color: var(--parley-muted);
        font-size: 13px;
      }
      li > button {
        opacity: 0;
      }
      li:hover > button,
      li:focus-within > button,
      li.current > button {
        opacity: 1;
      }
      @media (hover: none) {
        li > button {
          opacity: 1;
        }
      }
      .menu {
        position: absolute;
        z-index: 2;
        inset-block-start: 100%;
        inset-inline-end: 0;
        display: grid;
        min-width: 12rem;
        padding: 4px;
        border: 1px solid var(--parley-border);
        border-radius: 10px;
        background: var(--parley-bg);
        box-shadow: 0 4px 16px rgb(0 0 0 / 0.2);
      }
      .menu button {
        justify-content: flex-start;
        border: 0;
      }
      li form {
        flex: 1;
        padding: 2px;
      }
      li input {
        width: 100%;
      }
      .empty {
        padding: 8px 10px;
        color: var(--parley-muted);
      }
      .bottom {
        padding: 4px 8px;
      }
    `,
  ];

  declare rest: Rest;
  declare current: string | null;
  declare found: ConversationBody[];
  declare results: Match[] | null;
  declare archived: boolean;
  declare more: boolean;
  declare menu: string | null;
  declare renaming: string | null;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.current = null;
    this.found = [];
    this.results = null;
    this.archived = false;
    this.more = false;
    this.menu = null;
    this.renaming = null;
  }

  override render() {
    const { results } = this;
    return html`
      <div class="top">
        <button class="new" @click=${() => this.#open(null)}>${icon("plus")} ${t("newConversation")}</button>
        <input type="search" aria-label=${t("search")} placeholder=${t("searchPlaceholder")} @input=${this.#typed} />
      </div>
      <nav aria-label=${t("conversations")} @keydown=${this.#escape}>
        ${
          results
            ? html`<ul>${results.map((one) => this.#match(one))}</ul>${results.length ? nothing : html`<p class="empty">${t("noMatches")}</p>`}`
            : html`<ul>
                  ${repeat(
                    this.found,
                    (one) => one.id,
                    (one) => this.#item(one),
                  )}
                </ul>
                ${this.found.length ? nothing : html`<p class="empty">${t("noConversations")}</p>`}
                ${this.more ? html`<button class="bare" @click=${() => this.#read(true)}>${t("loadMore")}</button>` : nothing}`
        }
      </nav>
      <div class="bottom">
        <button class="bare" @click=${this.#turn}>${this.archived ? t("showActive") : t("showArchived")}</button>
      </div>
    `;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  /** Reads the list anew. */
  async refresh(): Promise<void> {
    await this.#read(false);
  }

  async #read(more: boolean): Promise<void> {
    const after = more ? (this.found.at(-1)?.id ?? null) : null;
    const page = await this.rest.conversations({ after, limit: 30, archived: this.archived });
    this.found = more ? [...this.found, ...page.data] : page.data;
    this.more = page.has_more;
  }

  #item(one: ConversationBody) {
    const title = plain(one.title) || t("untitled");
    if (this.renaming === one.id) {
      return html`<li>
        <form @submit=${(event: Event) => this.#rename(event, one)}>
          <input aria-label=${t("newTitle")} maxlength="200" .value=${one.title} @blur=${() => this.#stopRenaming()} />
        </form>
      </li>`;
    }
    return html`
      <li class=${one.id === this.current ? "current" : ""}>
        <a class="open" href=${`/c/${one.id}`} aria-current=${one.id === this.current ? "page" : "false"} @click=${(event: MouseEvent) => this.#follow(event, one.id)}>
          <span><bdi>${title}</bdi></span>
        </a>
        <button
          class="bare icon"
          aria-label=${t("actionsFor", { title })}
          aria-expanded=${this.menu === one.id}
          @click=${() => this.#toggle(one.id)}
        >
          ${icon("more")}
        </button>
        ${this.menu === one.id ? this.#menu(one, title) : nothing}
      </li>
    `;
  }

  #menu(one: ConversationBody, title: string) {
    const act = (what: () => unknown) => () => {
      this.menu = null;
      void what();
    };
    return html`
      <div class="menu" role="group" aria-label=${t("actionsFor", { title })}>
        <button @click=${act(() => this.#startRenaming(one.id))}>${t("rename")}</button>
        <button @click=${act(() => this.#archive(one))}>${one.archived ? t("unarchive") : t("archive")}</button>
        <button @click=${act(() => this.#export(one, "markdown"))}>${t("exportMarkdown")}</button>
        <button @click=${act(() => this.#export(one, "json"))}>${t("exportJson")}</button>
        <button class="bad" @click=${act(() => this.#remove(one, title))}>${t("remove")}</button>
      </div>
    `;
  }

  #match(one: Match) {
    return html`
      <li>
        <a class="open" href=${`/c/${one.conversation}`} @click=${(event: MouseEvent) => this.#follow(event, one.conversation)}>
          <span><bdi>${plain(one.title ?? "") || t("untitled")}</bdi></span>
          <span class="snippet" dir="auto">${plain(one.snippet)}</span>
        </a>
      </li>
    `;
  }

  #follow(event: MouseEvent, id: string): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#open(id);
  }

  #open(id: string | null): void {
    this.menu = null;
    this.dispatchEvent(new CustomEvent("parley-open", { detail: id }));
  }

  #typed(event: Event): void {
    const query = (event.target as HTMLInputElement).value.trim();
    clearTimeout(this.#typing);
    if (!query) {
      this.results = null;
      return;
    }
    this.#typing = setTimeout(async () => {
      this.results = (await this.rest.search(query)).data;
    }, PAUSE);
  }

  #toggle(id: string): void {
    this.menu = this.menu === id ? null : id;
  }

  #escape(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    this.menu = null;
    this.renaming = null;
  }

  #turn(): void {
    this.archived = !this.archived;
    void this.refresh();
  }

  #startRenaming(id: string): void {
    this.renaming = id;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLInputElement>("li input")?.select());
  }

  #stopRenaming(): void {
    this.renaming = null;
  }

  async #rename(event: Event, one: ConversationBody): Promise<void> {
    event.preventDefault();
    const title = (event.target as HTMLFormElement).querySelector("input")?.value.trim();
    this.renaming = null;
    if (!title || title === one.title) return;
    await this.rest.change(one.id, { title });
    await this.refresh();
  }

  async #archive(one: ConversationBody): Promise<void> {
    await this.rest.change(one.id, { archived: !one.archived });
    await this.refresh();
  }

  async #export(one: ConversationBody, format: "json" | "markdown"): Promise<void> {
    const answer = await this.rest.export(one.id, format);
    save(await answer.blob(), one.title, format === "json" ? "json" : "md");
  }

  async #remove(one: ConversationBody, title: string): Promise<void> {
    if (!confirm(t("removeAsk", { title }))) return;
    await this.rest.remove(one.id);
    if (one.id === this.current) this.#open(null);
    await this.refresh();
  }
}

customElements.define("parley-list", ParleyList);
