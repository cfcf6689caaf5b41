/** What can be done with a message: copied, asked again, edited, and the ways through its versions. */

import { html, nothing, type TemplateResult } from "lit";
import { t, type Word } from "../words/index.js";
import type { Message } from "./chat.js";
import { icon } from "./icons.js";

type Icon = Parameters<typeof icon>[0];

/** Returns the row of buttons; what changes the conversation waits until it is idle. */
export function actions(message: Message, idle: boolean, act: (what: string) => void): TemplateResult {
  const button = (what: string, word: Word, picture: Icon, disabled = false) => html`
    <button class="bare icon" aria-label=${t(word)} title=${t(word)} ?disabled=${disabled} @click=${() => act(what)}>
      ${icon(picture)}
    </button>
  `;
  return html`
    <div class="actions">
      ${versions(message, idle, button)} ${message.text ? button("copy", "copy", "copy") : nothing}
      ${message.role === "user" ? button("edit", "edit", "edit", !idle || !message.id) : nothing}
      ${message.role === "assistant" && message.responseId ? button("retry", "retry", "retry", !idle) : nothing}
    </div>
  `;
}

function versions(
  message: Message,
  idle: boolean,
  button: (what: string, word: Word, picture: Icon, disabled: boolean) => TemplateResult,
): TemplateResult | typeof nothing {
  const { siblings, id } = message;
  if (siblings.length < 2 || id === null) return nothing;
  const at = siblings.indexOf(id);
  return html`
    ${button("previous", "previousVersion", "previous", !idle || at <= 0)}
    <span aria-label=${t("version", { n: at + 1, of: siblings.length })}>${at + 1} / ${siblings.length}</span>
    ${button("next", "nextVersion", "next", !idle || at >= siblings.length - 1)}
  `;
}
