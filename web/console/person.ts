/** One person: what is left, why they were refused, what they may use beside the tier, and what lets them in. */

import { html, nothing, type TemplateResult } from "lit";
import { call, get, type List, post, segment } from "./api.js";
import { ROLES, type User } from "./people.js";
import { figure, View, when } from "./view.js";
import "./why.js";

interface Limit {
  id: string;
  cap: number | null;
  used: number;
  held: number;
  remaining: number | null;
  unit: string;
  next_free_at: string | null;
}

interface Person extends User {
  usage: { limits: Limit[]; as_of: string };
}

interface Key {
  id: string;
  kind: "key" | "session";
  role: string;
  hint: string;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

interface Extra {
  id: string;
  object: string;
  what: string;
  ends_at: string;
  reason: string;
  by: string;
}

export class ConsolePerson extends View {
  static override properties = { name: {} };

  declare name: string;
  #person: Person | null = null;
  #tiers: string[] = [];
  #keys: Key[] = [];
  #extras: Extra[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#load());
  }

  override render() {
    const person = this.#person;
    return html`
      <p><a href="/console/people">People</a></p>
      <h1><bdi>${this.name}</bdi> ${person?.suspended ? html`<span class="badge stopped">suspended</span>` : nothing}</h1>
      ${this.said()} ${person ? this.#shown(person) : nothing}
    `;
  }

  #shown(person: Person): TemplateResult {
    return html`
      <div class="row">
        <label>Tier
          <select @change=${this.#tier} .value=${person.tier}>
            ${this.#tiers.map((tier) => html`<option ?selected=${tier === person.tier}>${tier}</option>`)}
          </select>
        </label>
        <button class="bad" @click=${() => this.#change({ suspended: !person.suspended })}>
          ${person.suspended ? "Let in again" : "Suspend"}
        </button>
      </div>
      <h2>What is left</h2>
      <div class="wide">
        <table>
          <thead><tr><th>Cap</th><th></th><th class="number">Used</th><th class="number">Of</th><th>Next is free</th></tr></thead>
          <tbody>${person.usage.limits.map(limit)}</tbody>
        </table>
      </div>
      <console-why .user=${this.name} .tier=${person.tier}></console-why>
      <h2>Beside the tier</h2>
      ${this.#extras.length ? this.#given() : html`<p class="quiet">Nothing.</p>`}
      <form class="row" @submit=${this.#grant}>
        <label>Give<input name="gives" placeholder="20 gpt-4 messages" required maxlength="200" /></label>
        <label>For days<input name="days" type="number" min="1" max="366" value="7" required /></label>
        <label>Reason<input name="reason" maxlength="200" /></label>
        <button>Grant</button>
      </form>
      <h2>Keys and sessions</h2>
      <div class="wide">
        <table>
          <thead><tr><th>Kind</th><th>Begins with</th><th>Role</th><th>Made</th><th>Ends</th><th></th></tr></thead>
          <tbody>${this.#keys.map((one) => this.#key(one))}</tbody>
        </table>
      </div>
      <form class="row" @submit=${this.#make}>
        <label>Role<select name="role">${ROLES.map((role) => html`<option>${role}</option>`)}</select></label>
        <button name="what" value="keys">Make a key</button>
        <button name="what" value="links">Make a link to sign in</button>
      </form>
    `;
  }

  #given(): TemplateResult {
    return html`
      <div class="wide">
        <table>
          <thead><tr><th>What</th><th>Until</th><th>Reason</th><th>By</th><th></th></tr></thead>
          <tbody>
            ${this.#extras.map(
              (one) => html`
                <tr>
                  <td>${one.what}</td>
                  <td>${when(one.ends_at)}</td>
                  <td>${one.reason || "–"}</td>
                  <td>${one.by}</td>
                  <td><button @click=${() => this.#end(`/admin/caps/extras/${segment(one.id)}`, "Taken back.")}>Take back</button></td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `;
  }

  #key(one: Key): TemplateResult {
    const ended = one.revoked_at ?? (one.expires_at && new Date(one.expires_at) < new Date() ? one.expires_at : null);
    return html`
      <tr>
        <td>${one.kind}</td>
        <td><code>${one.hint}…</code></td>
        <td>${one.role}</td>
        <td>${when(one.created_at)}</td>
        <td>${ended ? `ended ${when(ended)}` : one.expires_at ? when(one.expires_at) : "never"}</td>
        <td>
          ${ended ? nothing : html`<button @click=${() => this.#end(`/admin/keys/${segment(one.id)}`, "Ended.")}>End</button>`}
        </td>
      </tr>
    `;
  }

  async #load(): Promise<void> {
    const name = segment(this.name);
    const [person, tiers, keys, extras] = await Promise.all([
      get<Person>(`/admin/users/${name}`),
      get<List<{ tier: string }>>("/admin/caps/tiers"),
      get<List<Key>>(`/admin/keys?user=${name}`),
      get<List<Extra>>(`/admin/caps/extras?user=${name}`),
    ]);
    this.#person = person;
    this.#tiers = [...new Set([...tiers.data.map((row) => row.tier), person.tier])];
    this.#keys = keys.data.reverse();
    this.#extras = extras.data;
  }

  #tier(event: Event): void {
    void this.#change({ tier: (event.target as HTMLSelectElement).value });
  }

  async #change(change: { tier?: string; suspended?: boolean }): Promise<void> {
    const went = await this.act(() => post(`/admin/users/${segment(this.name)}`, change));
    if (went) await this.act(() => this.#load(), "Changed; it holds from the next request on.");
  }

  async #grant(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const ends = new Date(Date.now() + Number(form.get("days")) * 86_400_000).toISOString();
    const grant = { user: this.name, gives: form.get("gives"), ends_at: ends, reason: form.get("reason") };
    if (await this.act(() => post("/admin/caps/grants", grant))) await this.act(() => this.#load(), "Given.");
  }

  async #end(path: string, done: string): Promise<void> {
    if (await this.act(() => call("DELETE", path))) await this.act(() => this.#load(), done);
  }

  async #make(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const role = new FormData(event.target as HTMLFormElement).get("role");
    const what = (event.submitter as HTMLButtonElement).value;
    let made: { secret?: string; path?: string } = {};
    const went = await this.act(async () => {
      made = await post(`/admin/${what}`, { user: this.name, role });
    });
    if (!went) return;
    const said = made.secret
      ? `The key, which is shown this once: ${made.secret}`
      : `Once, within ten minutes: ${location.origin}${made.path}`;
    await this.act(() => this.#load(), said);
  }
}

function limit(one: Limit): TemplateResult {
  const taken = one.used + one.held;
  return html`
    <tr>
      <td>${one.id}</td>
      <td>${one.cap === null ? nothing : html`<progress max=${one.cap} .value=${taken} aria-label=${one.id}></progress>`}</td>
      <td class="number">${figure(taken)}</td>
      <td class="number">${one.cap === null ? "unlimited" : figure(one.cap)}</td>
      <td>${when(one.next_free_at)}</td>
    </tr>
  `;
}

customElements.define("console-person", ConsolePerson);
