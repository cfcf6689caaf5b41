/** Now: what the node does that answers this page, once a second while somebody looks. */

import { css, html, nothing, type TemplateResult } from "lit";
import { get } from "./api.js";
import { view } from "./look.js";
import "./plot.js";
import { type Count, type Now, Seconds } from "./seconds.js";
import { figure, View } from "./view.js";

const EVERY = 1000;
const ROWS = 20;
const COLUMNS: readonly (readonly [Count, string])[] = [
  ["started", "Begun"],
  ["ended", "Ended"],
  ["failed", "Failed"],
  ["limited", "429"],
  ["refused", "Refused"],
  ["output_tokens", "Tokens out"],
];

export class ConsoleNow extends View {
  static override styles = [
    ...view,
    css`
      .tiles {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr));
        gap: 12px;
        margin: 0 0 16px;
      }
      .tiles div {
        padding: 12px;
        border-radius: 10px;
        background: var(--parley-surface);
      }
      dt {
        color: var(--parley-muted);
      }
      dd {
        margin: 0;
        font-size: 22px;
        font-variant-numeric: tabular-nums;
      }
      .plots {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
        gap: 16px;
      }
    `,
  ];

  #seconds = new Seconds();
  #news: Now | null = null;
  #table = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#ask());
    this.#timer = setInterval(() => {
      if (!document.hidden) void this.act(() => this.#ask());
    }, EVERY);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override render() {
    const news = this.#news;
    return html`
      <h1>Now</h1>
      ${this.said()} ${news ? this.#shown(news) : nothing}
    `;
  }

  #shown(news: Now): TemplateResult {
    const seconds = this.#seconds;
    const tokens = seconds.sum("input_tokens", 60) + seconds.sum("output_tokens", 60);
    const wait = seconds.middle("first_text_seconds", 60);
    return html`
      <dl class="tiles">
        ${tile("Answers running", figure(news.answers_running))} ${tile("Sockets open", figure(news.sockets_open))}
        ${tile("First text, last minute", figure(wait, " s"))}
        ${tile("Failed, last minute", figure(seconds.sum("failed", 60)))}
        ${tile("429, last minute", figure(seconds.sum("limited", 60)))}
        ${tile("Tokens, last minute", figure(tokens))}
        ${tile("Cost, last minute", `$${seconds.sum("cost_usd", 60).toFixed(4)}`)}
        ${tile("Faults, last minute", figure(seconds.sum("faults", 60)))}
      </dl>
      <p>
        <button aria-pressed=${this.#table} @click=${this.#turn}>As a table</button>
        <span class="quiet">This node, the last five minutes.</span>
      </p>
      ${this.#table ? this.#rows() : this.#plots(news, wait)}
    `;
  }

  #plots(news: Now, wait: number | null): TemplateResult {
    const seconds = this.#seconds;
    const counts = (name: Count, said: string) => ({ name: said, values: seconds.counts(name) });
    return html`
      <div class="plots">
        <console-plot
          name="Answers running"
          .times=${seconds.times}
          .lines=${[{ name: "Running", values: seconds.running() }]}
          .said=${`${news.answers_running} now`}
        ></console-plot>
        <console-plot
          name="Seconds to the first text"
          .times=${seconds.times}
          .lines=${[counts("first_text_seconds", "Middle"), counts("slowest_first_text_seconds", "Slowest")]}
          .said=${wait === null ? "none in the last minute" : `${figure(wait)} s in the last minute`}
        ></console-plot>
        <console-plot
          name="Answers per second"
          .times=${seconds.times}
          .lines=${[counts("ended", "Ended"), counts("failed", "Failed")]}
          .said=${`${seconds.sum("ended", 60)} ended in the last minute`}
        ></console-plot>
        <console-plot
          name="Calls that were not served, per second"
          .times=${seconds.times}
          .lines=${[counts("limited", "Over a cap (429)"), counts("refused", "Other reasons")]}
          .said=${`${seconds.sum("limited", 60)} over a cap in the last minute`}
        ></console-plot>
        <console-plot
          name="Tokens per second"
          .times=${seconds.times}
          .lines=${[counts("output_tokens", "Out"), counts("input_tokens", "In")]}
          .said=${`${seconds.sum("output_tokens", 60)} out in the last minute`}
        ></console-plot>
        <console-plot
          name="Dollars per second"
          .times=${seconds.times}
          .lines=${[counts("cost_usd", "Cost")]}
          .said=${`${seconds.sum("cost_usd", 60).toFixed(4)} in the last minute`}
        ></console-plot>
      </div>
    `;
  }

  #rows(): TemplateResult {
    const times = this.#seconds.times.slice(-ROWS).reverse();
    const columns = COLUMNS.map(([name]) => this.#seconds.counts(name).slice(-ROWS).reverse());
    return html`
      <div class="wide">
        <table>
          <thead><tr><th>Second</th>${COLUMNS.map(([, name]) => html`<th class="number">${name}</th>`)}</tr></thead>
          <tbody>
            ${times.map(
              (at, row) => html`
                <tr>
                  <td>${new Date(at * 1000).toLocaleTimeString()}</td>
                  ${columns.map((values) => html`<td class="number">${figure(values[row])}</td>`)}
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `;
  }

  #turn(): void {
    this.#table = !this.#table;
    this.requestUpdate();
  }

  async #ask(): Promise<void> {
    const news = await get<Now>(`/admin/now${this.#news ? `?since=${this.#seconds.since}` : ""}`);
    this.#seconds.add(news);
    this.#news = news;
  }
}

function tile(name: string, value: string): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

customElements.define("console-now", ConsoleNow);
