/** Who answers: the persona, the model, and the persona's dials. */

import { html, nothing, type TemplateResult } from "lit";
import type { Dial, ModelBody, PersonaBody } from "../client/index.js";
import type { Talk } from "../parts/talk.js";
import { plain } from "../text/odd.js";
import { t } from "../words/index.js";

/** Returns the choices; a conversation that has begun keeps its persona. */
export function who(talk: Talk, personas: readonly PersonaBody[], models: readonly ModelBody[]): TemplateResult {
  const persona = personas.find((one) => one.id === talk.persona);
  const begun = talk.conversation !== null;
  return html`
    <select aria-label=${t("persona")} ?disabled=${begun} @change=${(event: Event) => choose(talk, personas, chosenIn(event))}>
      ${personas.map((one) => html`<option value=${one.id} ?selected=${one.id === talk.persona}>${plain(one.title)}</option>`)}
    </select>
    <select aria-label=${t("model")} @change=${(event: Event) => talk.set({ model: chosenIn(event) || null })}>
      <option value="" ?selected=${talk.model === null}>${t("anyModel")}</option>
      ${models.map((one) => html`<option value=${one.id} ?selected=${one.id === talk.model}>${one.demonstration ? `${one.id} (${t("demonstration")})` : one.id}</option>`)}
    </select>
    ${persona ? Object.entries(persona.dials).map(([name, dial]) => select(talk, name, dial)) : nothing}
  `;
}

function select(talk: Talk, name: string, dial: Dial): TemplateResult | typeof nothing {
  if (!dial.choices?.length) return nothing;
  const chosen = talk.dials[name] ?? dial.default;
  const turn = (event: Event) => talk.set({ dials: { ...talk.dials, [name]: chosenIn(event) } });
  return html`
    <select aria-label=${plain(dial.label ?? name)} title=${plain(dial.label ?? name)} @change=${turn}>
      ${dial.choices.map((one) => html`<option value=${one} ?selected=${one === chosen}>${plain(dial.labels?.[one] ?? one)}</option>`)}
    </select>
  `;
}

function choose(talk: Talk, personas: readonly PersonaBody[], id: string): void {
  const persona = personas.find((one) => one.id === id);
  talk.set({ persona: id, dials: {}, greeting: persona?.greetings.length ? 0 : null });
}

function chosenIn(event: Event): string {
  return (event.target as HTMLSelectElement).value;
}
