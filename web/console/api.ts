/** The calls of `/admin`, made by the session of this browser. */

import { Credential } from "../client/credential.js";
import { Rest } from "../client/rest.js";

const rest = new Rest(location.origin, new Credential(async () => null));

export interface List<T> {
  data: T[];
  has_more?: boolean;
  last_id?: string | number | null;
}

export interface Who {
  user: string;
  tier: string;
  role: "user" | "developer" | "operator";
}

/** Makes a call and returns its JSON. Throws `ParleyError`. */
export function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  return rest.call<T>(method, path, body);
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);

/** Returns a text as one segment of a path. */
export const segment = encodeURIComponent;
