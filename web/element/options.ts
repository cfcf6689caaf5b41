/** The attributes of `<parley-chat>`, checked. Pure. */

export interface Options {
  /** Where the server is. */
  server: string;
  credentialUrl: string | null;
  persona: string | null;
  model: string | null;
  conversation: string | null;
}

/** Reads attributes by `get`; `script` is where the element's own script came from. Throws an error that says what is wrong. */
export function options(get: (name: string) => string | null, script: string, page: string): Options {
  const server = url(get("server") ?? new URL(script).origin, page, "server");
  const credential = get("credential-url");
  return {
    server: server.origin,
    credentialUrl: credential === null ? null : ownAddress(credential, page),
    persona: get("persona"),
    model: get("model"),
    conversation: get("conversation"),
  };
}

function ownAddress(text: string, page: string): string {
  const found = url(text, page, "credential-url");
  // A secret of this page's user is asked for with this page's cookies, and from nobody else.
  if (found.origin !== new URL(page).origin)
    throw new Error("<parley-chat>: credential-url must be of this page's own origin.");
  return found.href;
}

function url(text: string, base: string, name: string): URL {
  let found: URL;
  try {
    found = new URL(text, base);
  } catch {
    throw new Error(`<parley-chat>: ${name} is no address: ${text}`);
  }
  if (found.protocol !== "https:" && found.protocol !== "http:") {
    throw new Error(`<parley-chat>: ${name} must be http or https: ${text}`);
  }
  return found;
}
