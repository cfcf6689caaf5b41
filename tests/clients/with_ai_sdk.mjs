// The AI SDK with its provider for Open Responses, over server-sent events.
import { createOpenResponses } from "@ai-sdk/open-responses";
import { APICallError, generateText, streamText } from "ai";
import { KEY, STRICT_KEY, tell, URL } from "./telling.mjs";

const reach = (apiKey) => createOpenResponses({ name: "parley", url: `${URL}/responses`, apiKey });
const model = reach(STRICT_KEY)("gpt-4");
const said = [{ role: "user", content: "one" }];
const first = await generateText({ model, messages: said });
said.push(...first.response.messages, { role: "user", content: "two" });
const second = await generateText({ model, messages: said });
let refused;
try {
  await generateText({ model, prompt: "three", maxRetries: 0 });
} catch (error) {
  if (!APICallError.isInstance(error) || error.statusCode !== 429) throw error;
  refused = error;
}
const leaving = new AbortController();
let stopped;
const running = streamText({ model: reach(KEY)("long"), prompt: "long", abortSignal: leaving.signal, includeRawChunks: true });
for await (const part of running.fullStream) {
  if (part.type === "raw" && part.rawValue.type === "response.created") stopped = part.rawValue.response.id;
  if (part.type === "text-delta") leaving.abort();
}
tell({ replies: [first.text, second.text], refused, usage: second.usage.outputTokens, stopped });
