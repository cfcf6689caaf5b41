// The official client for Node.js: Responses over WebSocket, and HTTP for what sockets have no word for.
import OpenAI, { RateLimitError } from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { STRICT_KEY, tell } from "./telling.mjs";

const strict = new OpenAI({ apiKey: STRICT_KEY });
const socket = new ResponsesWS(strict);

/** Return the answer to what is said after a response. */
function ask(input, previous) {
  return new Promise((answered, failed) => {
    socket.once("error", failed);
    socket.once("response.completed", ({ response }) => answered(response));
    socket.send({ type: "response.create", model: "gpt-4", input, previous_response_id: previous });
  });
}

const text = (response) => response.output.flatMap((item) => item.content.map((part) => part.text)).join("");
const first = await ask("one", null);
const second = await ask("two", first.id);
socket.close();
let refused;
try {
  await strict.chat.completions.create({ model: "gpt-4", messages: [{ role: "user", content: "three" }] });
} catch (error) {
  if (!(error instanceof RateLimitError)) throw error;
  refused = error;
}
const client = new OpenAI();
const begun = await client.responses.create({ model: "long", input: "long", background: true });
const stopped = await client.responses.cancel(begun.id);
tell({ replies: [text(first), text(second)], refused, usage: second.usage.output_tokens, stopped: stopped.id });
