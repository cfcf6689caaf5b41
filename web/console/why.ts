/** Why somebody is refused: each cap that one more message would meet, and what was refused in the last day. */

import { html, nothing, type TemplateResult } from "lit";
import { get, type List, segment } from "./api.js";
import { figure, View, when } from "./view.js";

interface Cap {
  id: string;
  cap: number;
  used: number;
  held: number;
  passes: boolean;
  next_at: string | null;
  entries: unknown[];
}

interface Refusal {
  last_at: string;
  count: number;
  code: string;
  model: string | null;
  cap: string | null;
  next_at: string | null;
}

interface Explained {
  model: string;
  verdict: string;
  next_at: string | null;
  served_by: string | null;
  caps: Cap[];
  refused: Refusal[];
}

export class ConsoleWhy extends View {
  static override properties = { user: {}, tier: {} };

  declare user: string;
  declare tier: string;
  #models: string[] = [];
  #model = "";
  #why: Explained | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(async () => {
      const models = await get<List<{ id: string }>>("/v1/models");
      this.#models = models.data.map((one) => one.id).filter((id) => !id.startsWith("persona:"));
      this.#model = this.#models[0] ?? "";
      await this.#ask();
      // Whoever asks why asks for what was refused last.
      const refused = this.#why?.refused[0]?.model;
      if (!refused || refused === this.#model || !this.#models.includes(refused)) return;
      this.#model = refused;
      await this.#ask();
    });
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.get("tier") !== undefined && this.#model) void this.act(() => this.#ask());
  }

  override render() {
    const why = this.#why;
    return html`
      <h2>Why refused?</h2>
      ${this.said()}
      <div class="row">
        <label>One more message to
          <select @change=${this.#choose}>
            ${this.#models.map((model) => html`<option ?selected=${model === this.#model}>${model}</option>`)}
          </select>
        </label>
      </div>
      ${why ? shown(why) : nothing}
    `;
  }

  #choose(event: Event): void {
    this.#model = (event.target as HTMLSelectElement).value;
    void this.act(() => this.#ask());
  }

  async #ask(): Promise<void> {
    this.#why = await get(`/admin/caps/explain?user=${segment(this.user)}&model=${segment(this.#model)}`);
  }
}

function shown(why: Explained): TemplateResult {
  return html`
    <p>${verdict(why)}</p>
    <div class="wide">
      <table>
        <thead><tr><th>Cap</th><th>Lets through</th><th class="number">Used</th><th class="number">Of</th><th>Next at</th></tr></thead>
        <tbody>
          ${why.caps.map(
            (cap) => html`
              <tr>
                <td>${cap.id}</td>
                <td>${cap.passes ? html`<span class="ok">✓ yes</span>` : html`<span class="bad">✕ no</span>`}</td>
                <td class="number">${figure(cap.used + cap.held)}</td>
                <td class="number">${figure(cap.cap)}</td>
                <td>${cap.passes ? "–" : when(cap.next_at)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
    <h2>Refused in the last day</h2>
    ${why.refused.length ? refusals(why.refused) : html`<p class="quiet">Nothing.</p>`}
  `;
}

function verdict(why: Explained): string {
  if (why.verdict.startsWith("served")) return `It would be answered by ${why.served_by ?? why.model}.`;
  const next = why.next_at ? ` The next one is served at ${when(why.next_at)}.` : "";
  return `It would be refused: ${why.verdict.replaceAll("_", " ")}.${next}`;
}

function refusals(refused: Refusal[]): TemplateResult {
  return html`
    <div class="wide">
      <table>
        <thead><tr><th>Last at</th><th class="number">Times</th><th>Why</th><th>Model</th><th>Cap</th><th>Was told</th></tr></thead>
        <tbody>
          ${refused.map(
            (one) => html`
              <tr>
                <td>${when(one.last_at)}</td>
                <td class="number">${one.count}</td>
                <td><code>${one.code}</code></td>
                <td>${one.model ?? "–"}</td>
                <td>${one.cap ?? "–"}</td>
                <td>${when(one.next_at)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

customElements.define("console-why", ConsoleWhy);
