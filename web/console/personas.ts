/** Personas: all of them, and which of their revisions answer. */

import { html } from "lit";
import { get, type List, segment } from "./api.js";
import { View } from "./view.js";

export interface Release {
  id: string;
  labels: Record<string, number>;
  rollout: { revision: number; percent: number }[];
  recalled: number[];
}

export class ConsolePersonas extends View {
  #releases: Release[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(async () => {
      this.#releases = (await get<List<Release>>("/admin/personas")).data;
    });
  }

  override render() {
    return html`
      <h1>Personas</h1>
      ${this.said()}
      <div class="wide">
        <table>
          <thead><tr><th>Name</th><th>Labels</th><th>Rollout</th><th>Recalled</th></tr></thead>
          <tbody>
            ${this.#releases.map(
              (one) => html`
                <tr>
                  <td><a href="/console/personas/${segment(one.id)}">${one.id}</a></td>
                  <td>${labels(one)}</td>
                  <td>${one.rollout.map((share) => `${share.percent} % get ${share.revision}`).join(", ") || "–"}</td>
                  <td>${one.recalled.join(", ") || "–"}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `;
  }
}

/** The labels of a persona with the revisions that they point at. */
export function labels(release: Release) {
  return Object.entries(release.labels).map(
    ([label, number]) => html`<span class="badge ${label}">${label} ${number}</span> `,
  );
}

customElements.define("console-personas", ConsolePersonas);
