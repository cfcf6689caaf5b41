// The official parser reads the description on the standard input; it says what it finds wrong, one line each.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
for (const { code, path, message } of diagnostics) console.log(`${code} at ${path.join(".")}: ${message}`);
process.exit(document && diagnostics.length === 0 ? 0 : 1);
