/** Stands in for the package `punycode.js` in builds. Names are shown as they are looked up: `xn--…` is not dressed up. */

function toASCII(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return host;
  }
}

function toUnicode(host: string): string {
  return host;
}

export default { toASCII, toUnicode };
