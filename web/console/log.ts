/** Log: what operators did, and what the server did for them. */

import { html } from "lit";
import { get, type List } from "./api.js";
import { View, when } from "./view.js";

interface Entry {
  id: number;
  at: string;
  who: string;
  what: string;
  detail: Record<string, unknown>;
}

export class ConsoleLog extends View {
  #entries: Entry[] = [];
  #more = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#load());
  }

  override render() {
    return html`
      <h1>Log</h1>
      ${this.said()}
      <div class="wide">
        <table>
          <thead><tr><th>When</th><th>Who</th><th>What</th><th>To what</th></tr></thead>
          <tbody>
            ${this.#entries.map(
              (one) => html`
                <tr>
                  <td>${when(one.at)}</td>
                  <td>${one.who}</td>
                  <td>${one.what}</td>
                  <td class="long">${Object.entries(one.detail).map(([name, value]) => html`${name} <code>${text(value)}</code> `)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      ${this.#more ? html`<p><button @click=${() => this.act(() => this.#load())}>Show more</button></p>` : ""}
    `;
  }

  async #load(): Promise<void> {
    const last = this.#entries.at(-1)?.id;
    const page = await get<List<Entry>>(`/admin/audit?limit=50${last === undefined ? "" : `&after=${last}`}`);
    this.#entries = [...this.#entries, ...page.data];
    this.#more = page.has_more ?? false;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

customElements.define("console-log", ConsoleLog);
