/** What all views of the console are: they load, say what went wrong, and say what was done. */

import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import { ParleyError } from "../client/index.js";
import { view } from "./look.js";

export class View extends LitElement {
  static override styles = view;
  static override properties: PropertyDeclarations = { problem: { state: true }, done: { state: true } };

  declare problem: string | null;
  declare done: string | null;

  constructor() {
    super();
    this.problem = null;
    this.done = null;
  }

  /** Does some work, shows anew, and says what went wrong if something did. Returns whether it went well. */
  protected async act(work: () => Promise<unknown>, done: string | null = null): Promise<boolean> {
    try {
      await work();
      this.problem = null;
      this.done = done;
      return true;
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      if (error.status === 401) this.dispatchEvent(new CustomEvent("parley-out", { bubbles: true, composed: true }));
      this.problem = error.message;
      this.done = null;
      return false;
    } finally {
      this.requestUpdate();
    }
  }

  /** The lines that say what became of what was done. */
  protected said(): TemplateResult {
    return html`
      <div aria-live="polite">
        ${this.problem ? html`<p class="problem">${this.problem}</p>` : nothing}
        ${this.done ? html`<p class="done">${this.done}</p>` : nothing}
      </div>
    `;
  }
}

/** Goes to an address of the console without loading the page anew. */
export function go(path: string): void {
  history.pushState(null, "", path);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Returns a moment as people here read it. */
export function when(at: string | null | undefined): string {
  return at ? TIME.format(new Date(at)) : "–";
}

const NUMBER = new Intl.NumberFormat();

/** Returns a number as people here read it. */
export function figure(value: number | null | undefined, unit = ""): string {
  return value === null || value === undefined ? "–" : NUMBER.format(value) + unit;
}
