/** Try a draft beside what is live: one question, two answers, which are not stored. */

import { css, html, nothing, type TemplateResult } from "lit";
import { post } from "./api.js";
import { view } from "./look.js";
import { View } from "./view.js";

interface Answer {
  output: { type: string; content?: { text?: string }[] }[];
  usage: { input_tokens: number; output_tokens: number } | null;
}

export class ConsoleTry extends View {
  static override properties = { name: {}, draft: {}, live: {} };
  static override styles = [
    ...view,
    css`
      .answers {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
        gap: 16px;
      }
      input {
        width: min(40rem, 80vw);
      }
    `,
  ];

  declare name: string;
  declare draft: number | null;
  declare live: number | null;
  #answers = new Map<number, string>();
  #busy = false;

  override render() {
    const tried = [this.draft, this.live].filter((one) => one !== null && one !== undefined);
    if (!tried.length) return nothing;
    return html`
      <h2>Try it</h2>
      <form class="row" @submit=${this.#ask}>
        <label>Ask ${tried.map((one) => `revision ${one}`).join(" and ")}<input name="input" required /></label>
        <button ?disabled=${this.#busy}>Ask</button>
      </form>
      ${this.said()}
      <div class="answers" aria-live="polite">${tried.map((one) => this.#answer(one))}</div>
    `;
  }

  #answer(revision: number): TemplateResult | typeof nothing {
    const answer = this.#answers.get(revision);
    if (answer === undefined) return nothing;
    return html`<section><h2>Revision ${revision}${revision === this.live ? ", live" : ""}</h2><pre>${answer}</pre></section>`;
  }

  async #ask(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const input = String(new FormData(event.target as HTMLFormElement).get("input"));
    const tried = new Set([this.draft, this.live].filter((one) => one !== null && one !== undefined));
    this.#busy = true;
    this.#answers.clear();
    await this.act(() =>
      Promise.all(
        [...tried].map(async (revision) => {
          const model = `persona:${this.name}@${revision}`;
          this.#answers.set(revision, text(await post<Answer>("/v1/responses", { model, input, store: false })));
          this.requestUpdate();
        }),
      ),
    );
    this.#busy = false;
    this.requestUpdate();
  }
}

function text(answer: Answer): string {
  return answer.output.flatMap((item) => item.content?.map((part) => part.text ?? "") ?? []).join("");
}

customElements.define("console-try", ConsoleTry);
