/** One plot over the last minutes, drawn by uPlot; its sentence says what a drawing does not tell everybody. */

import { css, html, LitElement, unsafeCSS } from "lit";
import uPlot from "uplot";
import drawn from "uplot/dist/uPlot.min.css?inline";
import { reset } from "../look/controls.js";

const HEIGHT = 160;
/** Names of the look's colours, for one line after the other. */
const COLOURS = ["accent", "bad", "warn"];

export interface Line {
  name: string;
  values: (number | null)[];
}

export class ConsolePlot extends LitElement {
  static override properties = { name: {}, times: { attribute: false }, lines: { attribute: false }, said: {} };
  static override styles = [
    reset,
    css`
      ${unsafeCSS(drawn)}
      :host {
        display: block;
        min-width: 0;
        padding: 12px;
        border: 1px solid var(--parley-border);
        border-radius: 10px;
      }
      h2 {
        margin: 0 0 8px;
        font-size: 14px;
      }
      .u-legend {
        font-size: 12px;
      }
      .u-legend th::after {
        content: none;
      }
    `,
  ];

  declare name: string;
  declare times: number[];
  declare lines: Line[];
  declare said: string;
  #plot: uPlot | null = null;
  readonly #sized = new ResizeObserver(() => this.#plot?.setSize({ width: this.#width, height: HEIGHT }));

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sized.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  override render() {
    return html`<h2>${this.name}</h2><div class="drawing" role="img" aria-label=${`${this.name}: ${this.said}`}></div>`;
  }

  protected override updated(): void {
    const data = [this.times, ...this.lines.map((line) => line.values)] as uPlot.AlignedData;
    if (this.#plot) this.#plot.setData(data);
    else this.#draw(data);
  }

  get #width(): number {
    return Math.max(160, this.clientWidth - 26);
  }

  #draw(data: uPlot.AlignedData): void {
    const look = getComputedStyle(this);
    const root = this.renderRoot.querySelector<HTMLElement>(".drawing");
    if (!root) return;
    const probe = document.createElement("span");
    root.append(probe);
    // A canvas knows no custom properties, and the look's colours depend on light and dark.
    const colour = (name: string): string => {
      probe.style.color = `var(--parley-${name})`;
      return getComputedStyle(probe).color;
    };
    const axis = { stroke: colour("muted"), grid: { stroke: colour("border"), width: 1 }, ticks: { show: false } };
    const lines = this.lines.map((line, index) => ({
      label: line.name,
      stroke: colour(COLOURS[index] ?? "text"),
      width: 2,
      dash: index === 0 ? [] : [4 * index, 4],
      // What has gaps shows its single values too.
      points: { show: line.values.includes(null), size: 4 },
    }));
    probe.remove();
    this.#plot = new uPlot(
      {
        width: this.#width,
        height: HEIGHT,
        cursor: { sync: { key: "now" } },
        axes: [
          { ...axis, space: 80 },
          { ...axis, size: 48 },
        ],
        scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
        series: [{}, ...lines],
      },
      data,
      root,
    );
    this.#sized.observe(this);
    this.style.fontFamily = look.fontFamily;
  }
}

customElements.define("console-plot", ConsolePlot);
