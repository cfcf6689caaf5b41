/** Which addresses may be links, and which of them are not what they seem. Pure. */

const SCHEMES = new Set(["https:", "http:", "mailto:", "tel:"]);

/** Returns an address that a link may have, null for all others. */
export function address(href: string): string | null {
  try {
    const url = new URL(href);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Returns the host to ask people about before a link is followed, null if its words do not deceive. */
export function deceptive(words: string, href: string): string | null {
  const url = new URL(href);
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  const { hostname } = url;
  const seems = /^\s*(?:https?:\/\/)?([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)/iu.exec(words)?.[1]?.toLowerCase();
  const other = seems !== undefined && isHost(seems) && strip(seems) !== strip(hostname);
  return other || url.username !== "" || /(^|\.)xn--/.test(hostname) ? hostname : null;
}

function strip(host: string): string {
  return host.replace(/^www\./, "");
}

/** `e.g` and `file.py` are words; what ends as hosts do is taken for one. */
function isHost(name: string): boolean {
  return /\.(?:com|org|net|edu|gov|io|ai|dev|app|co|info|me|cn|de|uk|eu|[a-z]{2}\.[a-z]{2}|\p{L}{2,})$/iu.test(name);
}
