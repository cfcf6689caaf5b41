/** One persona: its text with what is wrong in it, its revisions, and which of them answer. */

import { css, html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { call, get, type List, post, segment } from "./api.js";
import { shown as shownDiff } from "./diff.js";
import { view } from "./look.js";
import { labels, type Release } from "./personas.js";
import { figure, View, when } from "./view.js";
import "./try.js";

interface Revision {
  revision: number;
  origin: string;
  author: string;
  note: string;
  created_at: string;
  recalled_at: string | null;
  labels: string[];
}

interface Problem {
  line: number | null;
  severity: string;
  code: string;
  message: string;
  cure: string;
}

interface Seen {
  model: string;
  tokens: number;
  messages: { role: string; content: string; tokens: number }[];
}

const PARTS = [5, 25, 50, 100];

export class ConsolePersona extends View {
  static override properties = { name: {} };
  static override styles = [
    ...view,
    css`
      .desk {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: 24px;
      }
      li {
        margin: 0 0 8px;
      }
      ul {
        margin: 0;
        padding-inline-start: 20px;
      }
      @media (max-width: 64rem) {
        .desk {
          display: block;
        }
      }
    `,
  ];

  declare name: string;
  #release: Release | null = null;
  #revisions: Revision[] = [];
  #source = "";
  #written = "";
  #problems: Problem[] = [];
  #diff: string | null = null;
  #seen: Seen | null = null;
  #part = 100;
  #due: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(async () => {
      await this.#load();
      await this.#open(this.#release?.labels.draft ?? this.#release?.labels.live ?? this.#revisions[0]?.revision ?? 1);
    });
  }

  override render() {
    return html`
      <p><a href="/console/personas">Personas</a></p>
      <h1>${this.name} ${this.#release ? labels(this.#release) : nothing}</h1>
      ${this.said()} ${this.#release ? this.#shown(this.#release) : nothing}
    `;
  }

  #shown(release: Release): TemplateResult {
    return html`
      <div class="desk">
        <div>
          <label>The text, as its file would hold it
            <textarea spellcheck="false" .value=${live(this.#source)} @input=${this.#typed}></textarea>
          </label>
          <p></p>
          <div class="row">
            <button class="main" ?disabled=${this.#source === this.#written} @click=${this.#save}>Save as a draft</button>
          </div>
        </div>
        <div>
          <h2>What is wrong in it</h2>
          <div aria-live="polite">
            ${this.#problems.length ? html`<ul>${this.#problems.map(problem)}</ul>` : html`<p class="ok">✓ Nothing.</p>`}
          </div>
          ${this.#seen ? seen(this.#seen) : nothing} ${this.#publishing()}
        </div>
      </div>
      <console-try .name=${this.name} .draft=${this.#draft} .live=${release.labels.live ?? null}></console-try>
      <h2>Revisions</h2>
      <div class="wide">
        <table>
          <thead><tr><th>Revision</th><th>Made</th><th>By</th><th>Note</th><th></th></tr></thead>
          <tbody>${this.#revisions.map((one) => this.#revision(one))}</tbody>
        </table>
      </div>
    `;
  }

  get #draft(): number | null {
    return this.#release?.labels.draft ?? null;
  }

  #publishing(): TemplateResult | typeof nothing {
    const draft = this.#draft;
    if (draft === null) return nothing;
    const words = this.#part === 100 ? "to everybody" : `to ${this.#part} %`;
    return html`
      <h2>Draft ${draft} against what is live</h2>
      ${this.#diff === null ? nothing : shownDiff(this.#diff)}
      <p></p>
      <div class="row">
        <label>For
          <select @change=${this.#choose}>
            ${PARTS.map((part) => html`<option value=${part} ?selected=${part === this.#part}>${part} %</option>`)}
          </select>
        </label>
        <button class="main" @click=${() => this.#publish(draft)}>Publish revision ${draft} ${words}</button>
      </div>
    `;
  }

  #revision(one: Revision): TemplateResult {
    const isLive = one.labels.includes("live");
    return html`
      <tr>
        <td>
          ${one.revision} ${one.labels.map((label) => html`<span class="badge ${label}">${label}</span> `)}
          ${one.recalled_at ? html`<span class="badge stopped">recalled</span>` : nothing}
        </td>
        <td>${when(one.created_at)}</td>
        <td>${one.author || one.origin}</td>
        <td>${one.note || "–"}</td>
        <td>
          <button @click=${() => this.act(() => this.#open(one.revision))}>Open</button>
          ${
            isLive
              ? nothing
              : html`<button @click=${() => this.#change("publish", { revision: one.revision }, `Revision ${one.revision} is live.`)}>Make ${one.revision} live</button>`
          }
        </td>
      </tr>
    `;
  }

  #typed(event: Event): void {
    this.#source = (event.target as HTMLTextAreaElement).value;
    clearTimeout(this.#due);
    this.#due = setTimeout(() => void this.act(() => this.#lint()), 300);
    this.requestUpdate();
  }

  #choose(event: Event): void {
    this.#part = Number((event.target as HTMLSelectElement).value);
    this.requestUpdate();
  }

  async #lint(): Promise<void> {
    const source = this.#source;
    const found = await post<List<Problem>>(`/admin/personas/${segment(this.name)}/lint`, { source });
    const broken = found.data.some((one) => one.severity === "error");
    const seen = broken ? null : await post<Seen>(`/admin/personas/${segment(this.name)}/preview`, { source });
    if (source !== this.#source) return;
    this.#problems = found.data;
    this.#seen = seen;
  }

  async #load(): Promise<void> {
    const path = `/admin/personas/${segment(this.name)}/revisions`;
    const [releases, revisions] = await Promise.all([get<List<Release>>("/admin/personas"), get<List<Revision>>(path)]);
    this.#release = releases.data.find((one) => one.id === this.name) ?? null;
    this.#revisions = revisions.data;
    const { draft, live } = this.#release?.labels ?? {};
    this.#diff =
      draft && live
        ? (await get<{ diff: string }>(`/admin/personas/${segment(this.name)}/diff/${live}/${draft}`)).diff
        : null;
  }

  async #open(number: number): Promise<void> {
    const path = `/admin/personas/${segment(this.name)}/revisions/${number}`;
    this.#source = this.#written = (await get<{ source: string }>(path)).source;
    await this.#lint();
  }

  async #save(): Promise<void> {
    const source = this.#source;
    const went = await this.act(() => post(`/admin/personas/${segment(this.name)}/revisions`, { source }));
    if (!went) return;
    this.#written = source;
    await this.act(() => this.#load(), "Saved as a draft: nobody is answered by it yet.");
  }

  async #publish(draft: number): Promise<void> {
    if (this.#part === 100) await this.#change("publish", { revision: draft }, `Revision ${draft} is live.`);
    else {
      const shares = [{ revision: draft, percent: this.#part }];
      await this.#change("rollout", { shares }, `${this.#part} % are answered by revision ${draft}.`);
    }
  }

  async #change(what: "publish" | "rollout", body: unknown, done: string): Promise<void> {
    const path = `/admin/personas/${segment(this.name)}/${what}`;
    const method = what === "rollout" ? "PUT" : "POST";
    if (await this.act(() => call(method, path, body))) await this.act(() => this.#load(), done);
  }
}

function seen(one: Seen): TemplateResult {
  return html`
    <h2>As the model sees it</h2>
    <p class="quiet">${one.model} gets ${figure(one.tokens)} tokens when somebody says hello.</p>
    ${one.messages.map(
      (message) => html`
        <details ?open=${message.role !== "user"}>
          <summary>${message.role}, ${figure(message.tokens)} tokens</summary>
          <pre tabindex="0" aria-label=${`Message of role ${message.role}`}>${message.content}</pre>
        </details>
      `,
    )}
  `;
}

function problem(one: Problem): TemplateResult {
  const where = one.line === null ? "" : `Line ${one.line}: `;
  return html`
    <li>
      <span class=${one.severity === "error" ? "bad" : ""}>${where}${one.message}</span>
      ${one.cure ? html`<br /><span class="quiet">${one.cure}</span>` : nothing}
    </li>
  `;
}

customElements.define("console-persona", ConsolePersona);
