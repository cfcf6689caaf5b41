/** What is left of the caps: one line, and on demand all of them. */

import { css, html, LitElement, nothing } from "lit";
import type { Usage } from "../client/index.js";
import { controls, reset } from "../look/controls.js";
import { t } from "../words/index.js";
import { line, row } from "./meter-text.js";

export class ParleyMeter extends LitElement {
  static override properties = { usage: { attribute: false }, model: {} };
  static override styles = [
    reset,
    controls,
    css`
      :host {
        display: block;
        font: 13px/1.4 var(--parley-font);
        color: var(--parley-muted);
      }
      summary {
        cursor: pointer;
        width: fit-content;
        padding: 4px 2px;
      }
      .low {
        color: var(--parley-warn);
      }
      .out {
        color: var(--parley-bad);
      }
      ul {
        list-style: none;
        margin: 4px 0 8px;
        padding: 0;
        display: grid;
        gap: 8px;
      }
      progress {
        display: block;
        width: min(20rem, 100%);
        height: 6px;
        accent-color: var(--parley-accent);
      }
      .reason {
        color: var(--parley-warn);
      }
    `,
  ];

  declare usage: Usage | null;
  declare model: string | null;

  constructor() {
    super();
    this.usage = null;
    this.model = null;
  }

  override render() {
    if (!this.usage?.limits.length) return nothing;
    const said = line(this.usage, this.model);
    return html`
      <details>
        <summary class=${said?.tone ?? "calm"}>${said?.text ?? t("allLimits")}</summary>
        <ul>
          ${this.usage.limits.map(
            (one) => html`
              <li>
                <span>${row(one)}</span>
                <progress max=${one.cap} value=${one.used + one.held} aria-label=${one.id}></progress>
                ${one.cap_reason ? html`<span class="reason">${one.cap_reason}</span>` : nothing}
              </li>
            `,
          )}
        </ul>
      </details>
    `;
  }
}

customElements.define("parley-meter", ParleyMeter);
