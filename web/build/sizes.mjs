/** The gate of sizes: what a page loads before anything is said, compressed. Fails where it has grown too large. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DIST = fileURLToPath(new URL("../../server/dist/", import.meta.url));
const KIB = 1024;

/** KiB, compressed, of each entry with all that it imports at once. */
const LIMITS = { "embed/v1/client.js": 5, "embed/v1/parley-chat.js": 60, "index.html": 80 };

function loaded(path, seen = new Set()) {
  if (seen.has(path)) return 0;
  seen.add(path);
  const text = readFileSync(join(DIST, path), "utf8");
  const folder = dirname(path);
  let size = gzipSync(text, { level: 9 }).length;
  const found = path.endsWith(".html")
    ? [...text.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, name]) => name)
    : [...text.matchAll(/(?:\bfrom|\bimport)\s*"(\.\/[^"]+)"/g)].map(([, name]) => join(folder, name));
  for (const other of found) size += loaded(other, seen);
  return size;
}

let failed = false;
for (const [entry, limit] of Object.entries(LIMITS)) {
  const size = loaded(entry) / KIB;
  const large = size > limit;
  failed ||= large;
  if (large || process.argv.includes("--show")) console.log(`${entry}: ${size.toFixed(1)} KiB of ${limit}`);
}
if (readdirSync(join(DIST, "assets")).length === 0) throw new Error("nothing was built");
process.exit(failed ? 1 : 0);
