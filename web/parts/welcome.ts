/** What is shown before the first message: who answers, how they greet, what could be asked. */

import { html, nothing, type TemplateResult } from "lit";
import type { PersonaBody } from "../client/index.js";
import { plain } from "../text/odd.js";
import { t } from "../words/index.js";

const STARTERS = 4;

/** Returns the welcome; a starter is said at once, or with Shift only filled in. */
export function welcome(persona: PersonaBody | null, say: (text: string, fill: boolean) => void): TemplateResult {
  if (!persona) return html``;
  const [greeting] = persona.greetings;
  return html`
    <section class="welcome" aria-label=${plain(persona.title)}>
      <h1><bdi>${persona.avatar ? `${persona.avatar} ` : nothing}${plain(persona.title)}</bdi></h1>
      ${persona.summary ? html`<p class="summary" dir="auto">${plain(persona.summary)}</p>` : nothing}
      ${greeting ? html`<p class="greeting" dir="auto">${plain(greeting)}</p>` : nothing}
      ${
        persona.starters.length
          ? html`<div class="starters" role="group" aria-label=${t("starters")}>
              ${persona.starters
                .slice(0, STARTERS)
                .map(
                  (one) =>
                    html`<button dir="auto" @click=${(event: MouseEvent) => say(one, event.shiftKey)}>${plain(one)}</button>`,
                )}
            </div>`
          : nothing
      }
      <p class="stored">${t("stored")}</p>
    </section>
  `;
}
