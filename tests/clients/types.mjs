// Types for TypeScript, made of the description of the sockets on the standard input: one for each of its schemas, and
// for each socket all that a client sends (`ResponsesRequest`) and all that it is sent (`ResponsesFrame`).
import { readFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const NAMES = { receive: "Request", send: "Frame" };
const { components, channels, operations } = JSON.parse(
  readFileSync(0, "utf8").replaceAll("#/components/schemas/", "#/definitions/"),
);

/** Return the schema of a message of a channel. */
function payload({ $ref }) {
  const [, , channel, , message] = $ref.split("/");
  return components.messages[channels[channel].messages[message].$ref.split("/").at(-1)].payload;
}

// Whatever else a client sends is accepted, but a program that sends it has made a mistake: its compiler says so.
for (const schema of Object.values(components.schemas)) if (schema.properties) schema.additionalProperties = false;

const frames = Object.values(operations).map(({ action, channel, summary, messages }) => {
  const socket = channel.$ref.split("/").at(-1);
  const name = socket[0].toUpperCase() + socket.slice(1) + NAMES[action];
  return [name, { description: summary, anyOf: messages.map(payload) }];
});
const types = await compile({ definitions: { ...components.schemas, ...Object.fromEntries(frames) } }, "Root", {
  bannerComment: "// Made of docs/asyncapi.json by `make describe`; never edited.",
  unreachableDefinitions: true,
  style: { printWidth: 120 },
});
process.stdout.write(
  types
    .replace(/export interface Root \{[^}]*\}\n/, "")
    .replaceAll(/( \*\n)? \* This \w+ was referenced by `Root`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g, "")
    .replaceAll(/\/\*\*\n \*\/\n/g, ""),
);
