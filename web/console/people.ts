/** People: users by name, and links for new ones. */

import { html, nothing } from "lit";
import { get, type List, post, segment } from "./api.js";
import { View, when } from "./view.js";

export interface User {
  id: string;
  name: string;
  tier: string;
  organisation: string | null;
  suspended: boolean;
  created_at: string;
}

export const ROLES = ["user", "developer", "operator"] as const;

export class ConsolePeople extends View {
  #users: User[] = [];
  #more = false;
  #wanted = new URLSearchParams(location.search).get("holding") ?? "";
  #due: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#load(null));
  }

  override render() {
    return html`
      <h1>People</h1>
      <div class="row">
        <label>Name holds<input type="search" .value=${this.#wanted} @input=${this.#search} /></label>
      </div>
      ${this.said()}
      <div class="wide">
        <table>
          <thead><tr><th>Name</th><th>Tier</th><th>Organisation</th><th>State</th><th>Since</th></tr></thead>
          <tbody>
            ${this.#users.map(
              (one) => html`
                <tr>
                  <td><a href="/console/people/${segment(one.name)}"><bdi>${one.name}</bdi></a></td>
                  <td>${one.tier}</td>
                  <td>${one.organisation ?? "–"}</td>
                  <td>${one.suspended ? html`<span class="badge stopped">suspended</span>` : "active"}</td>
                  <td>${when(one.created_at)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      ${this.#users.length ? nothing : html`<p class="quiet">Nobody.</p>`}
      ${
        this.#more
          ? html`<p><button @click=${() => this.act(() => this.#load(this.#users.at(-1)?.id ?? null))}>Show more</button></p>`
          : nothing
      }
      <h2>Let somebody in</h2>
      <form class="row" @submit=${this.#invite}>
        <label>Name<input name="user" required maxlength="255" /></label>
        <label>Role<select name="role">${ROLES.map((role) => html`<option>${role}</option>`)}</select></label>
        <button class="main">Make a link</button>
      </form>
    `;
  }

  #search(event: Event): void {
    this.#wanted = (event.target as HTMLInputElement).value;
    clearTimeout(this.#due);
    this.#due = setTimeout(() => {
      history.replaceState(null, "", this.#wanted ? `?holding=${segment(this.#wanted)}` : location.pathname);
      void this.act(() => this.#load(null));
    }, 300);
  }

  async #load(after: string | null): Promise<void> {
    const wanted = this.#wanted;
    const page = await get<List<User>>(
      `/admin/users?limit=50&holding=${segment(wanted)}${after === null ? "" : `&after=${after}`}`,
    );
    if (wanted !== this.#wanted) return;
    this.#users = after === null ? page.data : [...this.#users, ...page.data];
    this.#more = page.has_more ?? false;
  }

  async #invite(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const user = String(form.get("user")).trim();
    let path = "";
    const went = await this.act(async () => {
      path = (await post<{ path: string }>("/admin/links", { user, role: form.get("role") })).path;
    });
    if (!went) return;
    await this.act(() => this.#load(null), `For ${user}, once, within ten minutes: ${location.origin}${path}`);
  }
}

customElements.define("console-people", ConsolePeople);
