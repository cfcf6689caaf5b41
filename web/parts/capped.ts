/** The notices of a cap: a message that was refused, another model that answers meanwhile, and the ways on. */

import { html, nothing, type TemplateResult } from "lit";
import { t } from "../words/index.js";
import { time, until } from "./meter-text.js";
import type { Talk } from "./talk.js";

/** Returns the notice of the message that came back, with its buttons; nothing if there is none. */
export function returned(talk: Talk, sendAt: (when: number) => void): TemplateResult | typeof nothing {
  const { returned } = talk;
  if (!returned) return nothing;
  const { error } = returned;
  if (error.code !== "usage_cap_reached" || !error.body.next_at) {
    return html`<div class="notice bad" role="alert">
      <span>${t("refused", { why: error.message })}</span> ${details(error.code, error.requestId)}
    </div>`;
  }
  const seconds = error.body.retry_after_seconds ?? 0;
  const model = error.body.limit?.id.split(".")[0] ?? "";
  const other = error.body.options?.find((one) => one.do !== "wait" && one.model)?.model;
  const at = time(error.body.next_at) ?? "";
  return html`
    <div class="notice bad" role="alert">
      <span>${t("nextMessageAt", { model, at, in: until(seconds) })}</span>
      <button @click=${() => sendAt(Date.now() + seconds * 1000)}>${t("sendThen")}</button>
      ${other ? html`<button @click=${() => use(talk, other)}>${t("useModel", { model: other })}</button>` : nothing}
    </div>
  `;
}

/** Returns the notice that another model answers, and how to change that. */
export function fallback(talk: Talk): TemplateResult | typeof nothing {
  const { fallback } = talk;
  if (!fallback) return nothing;
  const { asked, served, back_at } = fallback;
  const back = back_at !== null && Date.parse(back_at) <= Date.parse(talk.usage?.as_of ?? "");
  const said = back ? t("isBack", { model: asked }) : t("fallbackNow", { asked, served, at: time(back_at) ?? "…" });
  const wait = () => talk.set({ whenCapped: "refuse", fallback: null });
  return html`
    <div class="notice warn">
      <span>${said}</span>
      ${back ? nothing : html`<button @click=${wait}>${t("waitFor", { model: asked })}</button>`}
      <button @click=${() => talk.set({ model: served, fallback: null })}>${t("stayOn", { model: served })}</button>
    </div>
  `;
}

function use(talk: Talk, model: string): void {
  const said = talk.returned;
  talk.set({ model, returned: null });
  if (said) talk.send({ text: said.text, ...(said.images ? { images: said.images } : {}) });
}

function details(code: string, requestId: string | null): TemplateResult {
  return html`<details><summary>${t("details")}</summary><code>${code}${requestId ? ` · ${requestId}` : ""}</code></details>`;
}
