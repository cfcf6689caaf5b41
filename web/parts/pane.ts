/** A conversation to read and to go on with: the log, the line of notices, the composer. */

import { css, html, LitElement, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Standing } from "../client/index.js";
import { reset } from "../look/controls.js";
import { t } from "../words/index.js";
import "./composer.js";
import "./message.js";
import { notice } from "./notice.js";
import { Watch } from "./store.js";
import type { Talk } from "./talk.js";

export class ParleyPane extends LitElement {
  static override properties = { talk: { attribute: false }, standing: { attribute: false } };
  static override styles = [
    reset,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--parley-bg);
        color: var(--parley-text);
        font: 16px/1.6 var(--parley-font);
      }
      .log {
        flex: 1;
        min-height: 0;
        overflow-y: auto;
        padding: 16px;
      }
      .column {
        width: 100%;
        max-width: var(--parley-column);
        margin: 0 auto;
      }
      .foot {
        padding: 0 16px max(16px, env(safe-area-inset-bottom));
      }
      .notice {
        min-height: 24px;
        font-size: 14px;
        color: var(--parley-muted);
      }
    `,
  ];

  declare talk: Talk;
  declare standing: Standing;
  readonly #watch = new Watch(this);

  override willUpdate(): void {
    this.#watch.on(this.talk);
  }

  override render() {
    const { messages, live } = this.talk;
    const said = notice(this.standing, Date.now());
    return html`
      <div class="log" role="log" aria-live="off" aria-label=${t("conversation")} tabindex="0">
        <div class="column">
          ${repeat(
            messages,
            (one) => one.key,
            (one) => html`<parley-message .message=${one} .version=${one.version} .name=${t("app")}></parley-message>`,
          )}
        </div>
      </div>
      <div class="foot">
        <div class="column">
          <div class="notice" role="status">${said ?? nothing}</div>
          <parley-composer
            ?busy=${live !== null}
            @parley-send=${(event: CustomEvent<string>) => this.talk.send(event.detail)}
            @parley-stop=${() => this.talk.stop()}
          ></parley-composer>
        </div>
      </div>
    `;
  }

  protected override updated(): void {
    const log = this.renderRoot.querySelector(".log");
    if (log) log.scrollTop = log.scrollHeight;
  }
}

customElements.define("parley-pane", ParleyPane);
