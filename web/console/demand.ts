/** What demand has made of the caps, and what is fixed by hand. */

import { html, nothing, type TemplateResult } from "lit";
import { call, get, type List, segment } from "./api.js";
import { View, when } from "./view.js";

interface Rule {
  id: string;
  shadow: boolean;
  since: string | null;
  tiers: { tier: string; part: number; never_below: number; pinned: boolean }[];
  pin: { by: string; reason: string; at: string } | null;
  models: { model: string; limit: number; running: number }[];
}

export class ConsoleDemand extends View {
  #rules: Rule[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#load());
  }

  override render() {
    return html`
      <h2>Demand</h2>
      ${this.said()}
      ${this.#rules.length ? this.#rules.map((rule) => this.#rule(rule)) : html`<p class="quiet">It changes no caps: <code>adaptive</code> is empty.</p>`}
    `;
  }

  #rule(rule: Rule): TemplateResult {
    return html`
      <h3>${rule.id} ${rule.shadow ? html`<span class="badge">shadow</span>` : nothing}</h3>
      <div class="wide">
        <table>
          <thead><tr><th>Tier</th><th class="number">Has of its cap</th><th class="number">Never below</th></tr></thead>
          <tbody>
            ${rule.tiers.map(
              (one) => html`
                <tr>
                  <td>${one.tier}</td>
                  <td class="number">${one.part} % ${one.pinned ? "pinned" : ""}</td>
                  <td class="number">${one.never_below} %</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      <p></p>
      ${
        rule.pin
          ? html`<p>Fixed by ${rule.pin.by} at ${when(rule.pin.at)} ${rule.pin.reason && `(${rule.pin.reason})`}
              <button @click=${() => this.#change("DELETE", rule, undefined, "It moves again.")}>Let it move</button></p>`
          : html`<form class="row" @submit=${(event: SubmitEvent) => this.#pin(event, rule)}>
              <label>Reason<input name="reason" maxlength="200" required /></label>
              <button>Fix as it is</button>
            </form>`
      }
    `;
  }

  #pin(event: SubmitEvent, rule: Rule): void {
    event.preventDefault();
    const reason = new FormData(event.target as HTMLFormElement).get("reason");
    void this.#change("PUT", rule, { reason }, "Fixed.");
  }

  async #change(method: string, rule: Rule, body: unknown, done: string): Promise<void> {
    const went = await this.act(() => call(method, `/admin/caps/adaptive/${segment(rule.id)}/pin`, body));
    if (went) await this.act(() => this.#load(), done);
  }

  async #load(): Promise<void> {
    this.#rules = (await get<List<Rule>>("/admin/caps/adaptive")).data;
  }
}

customElements.define("console-demand", ConsoleDemand);
