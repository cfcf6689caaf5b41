/** The calls of `/v1` that are no streams. */

import type { Credential } from "./credential.js";
import { refusal, unreachable } from "./errors.js";
import type { ConversationBody, Item, Match, ModelBody, Page, PersonaBody, ResponseBody, Usage } from "./protocol.js";

type Query = Record<string, string | number | boolean | null | undefined>;

export class Rest {
  readonly #server: string;
  readonly #credential: Credential;
  /** What `Accept-Language` says, which decides in which words personas introduce themselves. */
  language: string | null = null;

  constructor(server: string, credential: Credential) {
    this.#server = server;
    this.#credential = credential;
  }

  /** Makes a call and returns its JSON. Throws `ParleyError`. */
  async call<T>(method: string, path: string, body?: unknown, query: Query = {}): Promise<T> {
    return (await this.raw(method, path, body, query)).json() as Promise<T>;
  }

  /** Makes a call and returns the answer of the browser's `fetch`. Throws `ParleyError`. */
  async raw(method: string, path: string, body?: unknown, query: Query = {}): Promise<Response> {
    const url = new URL(path, this.#server);
    for (const [name, value] of Object.entries(query)) if (value != null) url.searchParams.set(name, String(value));
    const secret = await this.#credential.value();
    const headers: Record<string, string> = { "x-parley": "1" };
    if (secret) headers.authorization = `Bearer ${secret}`;
    if (this.language) headers["accept-language"] = this.language;
    if (body !== undefined) headers["content-type"] = "application/json";
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    let answer: Response;
    try {
      answer = await fetch(url, init);
    } catch {
      throw unreachable();
    }
    if (answer.ok) return answer;
    throw refusal(answer.status, await answer.json().catch(() => null), answer.headers.get("x-request-id"));
  }

  conversations(options: { after?: string | null; limit?: number; archived?: boolean } = {}) {
    return this.call<Page<ConversationBody>>("GET", "/v1/conversations", undefined, options);
  }

  conversation(id: string) {
    return this.call<ConversationBody>("GET", `/v1/conversations/${encodeURIComponent(id)}`);
  }

  change(id: string, change: { title?: string; archived?: boolean; leaf?: string }) {
    return this.call<ConversationBody>("POST", `/v1/conversations/${encodeURIComponent(id)}`, change);
  }

  remove(id: string) {
    return this.call<unknown>("DELETE", `/v1/conversations/${encodeURIComponent(id)}`);
  }

  search(query: string, after: string | null = null) {
    return this.call<Page<Match>>("GET", "/v1/conversations/search", undefined, { query, after });
  }

  items(id: string, options: { after?: string | null; limit?: number; leaf?: string | null } = {}) {
    return this.call<Page<Item>>("GET", `/v1/conversations/${encodeURIComponent(id)}/items`, undefined, options);
  }

  export(id: string, format: "json" | "markdown") {
    return this.raw("GET", `/v1/conversations/${encodeURIComponent(id)}/export`, undefined, { format });
  }

  personas() {
    return this.call<{ data: PersonaBody[] }>("GET", "/v1/personas");
  }

  models() {
    return this.call<{ data: ModelBody[] }>("GET", "/v1/models");
  }

  usage() {
    return this.call<Usage>("GET", "/v1/usage");
  }

  response(id: string) {
    return this.call<ResponseBody>("GET", `/v1/responses/${encodeURIComponent(id)}`);
  }
}
