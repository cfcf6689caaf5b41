/** Caps: the policy with its caps in force, what another one would have done, its revisions, and what demand does. */

import { html, nothing, type TemplateResult } from "lit";
import { get, type List, post } from "./api.js";
import { shown as shownDiff } from "./diff.js";
import { figure, View, when } from "./view.js";
import "./demand.js";

interface Policy {
  groups: Record<string, unknown>;
  tiers: Record<string, unknown>;
  default_tier: string;
}

interface Revision {
  id: number;
  labels: string[];
  origin: string;
  by: string;
  created_at: string;
}

interface Effective {
  tier: string;
  id: string;
  cap: string;
  models: string[];
  when_capped: string;
}

interface Simulated {
  requests: number;
  served: number;
  by_fallback: number;
  refused: number;
  cost_before_usd: number;
  cost_after_usd: number;
  users: { user: string; tier: string; asked: number; by_fallback: number; refused: Record<string, number> }[];
}

export class ConsoleCaps extends View {
  #caps: Effective[] = [];
  #revisions: Revision[] = [];
  #text = "";
  #live = "";
  #simulated: Simulated | null = null;
  #tried = "";
  #busy = false;
  #diff: { id: number; diff: string } | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(async () => {
      await this.#load();
      this.#text = this.#live;
    });
  }

  override render() {
    return html`
      <h1>Caps</h1>
      ${this.said()}
      <h2>In force</h2>
      <div class="wide">
        <table>
          <thead><tr><th>Tier</th><th>Cap</th><th>Holds</th><th>Models</th><th>When reached</th></tr></thead>
          <tbody>
            ${this.#caps.map(
              (row) => html`
                <tr>
                  <td>${row.tier}</td>
                  <td>${row.id}</td>
                  <td>${row.cap}</td>
                  <td>${row.models.join(", ") || "all"}</td>
                  <td>${row.when_capped}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      <h2>The policy</h2>
      <label>Groups, tiers and the default tier
        <textarea spellcheck="false" .value=${this.#text} @input=${this.#typed}></textarea>
      </label>
      <p></p>
      <div class="row">
        <button ?disabled=${this.#busy} @click=${this.#simulate}>Simulate the last 7 days</button>
        <button class="main" ?disabled=${!this.#ready} @click=${this.#publish}>Publish</button>
        ${this.#ready ? nothing : html`<span class="quiet">${this.#why}</span>`}
      </div>
      ${this.#simulated ? simulated(this.#simulated) : nothing}
      <console-demand></console-demand>
      <h2>Revisions</h2>
      <div class="wide">
        <table>
          <thead><tr><th>Revision</th><th>Made</th><th>By</th><th></th></tr></thead>
          <tbody>${this.#revisions.map((one) => this.#revision(one))}</tbody>
        </table>
      </div>
    `;
  }

  /** What is published was simulated, to the letter. */
  get #ready(): boolean {
    return this.#simulated !== null && this.#tried === this.#text && this.#text !== this.#live;
  }

  get #why(): string {
    return this.#text === this.#live
      ? "It is what holds."
      : "Simulate it first: what is published is what was simulated.";
  }

  #revision(one: Revision): TemplateResult {
    const diff = this.#diff?.id === one.id ? this.#diff.diff : null;
    return html`
      <tr>
        <td>${one.id} ${one.labels.map((label) => html`<span class="badge ${label}">${label}</span> `)}</td>
        <td>${when(one.created_at)}</td>
        <td>${one.by}</td>
        <td>
          <button @click=${() => this.act(() => this.#compare(one.id))}>Compare with live</button>
          ${
            one.labels.includes("live")
              ? nothing
              : html`<button @click=${() => this.#hold(one.id)}>Make ${one.id} live</button>`
          }
          ${diff === null ? nothing : shownDiff(diff)}
        </td>
      </tr>
    `;
  }

  #typed(event: Event): void {
    this.#text = (event.target as HTMLTextAreaElement).value;
    this.requestUpdate();
  }

  #policy(): Policy | null {
    try {
      return JSON.parse(this.#text);
    } catch (error) {
      this.problem = `This is not JSON: ${(error as Error).message}`;
      this.requestUpdate();
      return null;
    }
  }

  async #load(): Promise<void> {
    const [caps, revisions, live] = await Promise.all([
      get<List<Effective>>("/admin/caps/tiers"),
      get<List<Revision>>("/admin/caps/policies"),
      get<{ policy: Policy }>("/admin/caps/policies/live"),
    ]);
    this.#caps = caps.data;
    this.#revisions = revisions.data;
    this.#live = JSON.stringify(live.policy, null, 2);
  }

  async #simulate(): Promise<void> {
    const text = this.#text;
    const policy = this.#policy();
    if (!policy) return;
    this.#busy = true;
    await this.act(async () => {
      this.#simulated = await post<Simulated>("/admin/caps/simulate", policy);
      this.#tried = text;
    });
    this.#busy = false;
    this.requestUpdate();
  }

  async #publish(): Promise<void> {
    const policy = this.#policy();
    if (!policy) return;
    let made = 0;
    const went = await this.act(async () => {
      made = (await post<Revision>("/admin/caps/policies", policy)).id;
    });
    if (went) await this.#hold(made);
  }

  async #hold(id: number): Promise<void> {
    if (!(await this.act(() => post(`/admin/caps/policies/${id}/publish`)))) return;
    await this.act(() => this.#load(), `Policy ${id} holds within a second, on every node.`);
    // The node that was asked looks for it twice a second.
    setTimeout(() => void this.#again(), 1000);
  }

  async #again(): Promise<void> {
    this.#caps = (await get<List<Effective>>("/admin/caps/tiers")).data;
    this.requestUpdate();
  }

  async #compare(id: number): Promise<void> {
    this.#diff = { id, diff: (await get<{ diff: string }>(`/admin/caps/policies/${id}`)).diff };
  }
}

function simulated(found: Simulated): TemplateResult {
  const refused = found.users.filter((one) => Object.keys(one.refused).length);
  const touched = found.users.filter((one) => Object.keys(one.refused).length || one.by_fallback);
  return html`
    <h2>What it would have done</h2>
    <p>
      ${refused.length} of ${found.users.length} people would have been refused, ${figure(found.refused)} times in
      ${figure(found.requests)} requests; ${figure(found.by_fallback)} answers would have come from the fallback. Cost:
      $${found.cost_after_usd.toFixed(2)}, was $${found.cost_before_usd.toFixed(2)}.
    </p>
    <div class="wide">
      <table>
        <thead><tr><th>Who</th><th>Tier</th><th class="number">Asked</th><th class="number">Fallback</th><th>Refused by</th></tr></thead>
        <tbody>
          ${touched.slice(0, 100).map(
            (one) => html`
              <tr>
                <td><bdi>${one.user}</bdi></td>
                <td>${one.tier}</td>
                <td class="number">${figure(one.asked)}</td>
                <td class="number">${figure(one.by_fallback)}</td>
                <td>${
                  Object.entries(one.refused)
                    .map(([cap, times]) => `${cap} ×${times}`)
                    .join(", ") || "–"
                }</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

customElements.define("console-caps", ConsoleCaps);
