// The official client for Node.js asks, meets a restart, comes back by itself and goes on from its first response.
// It says what happens in lines; tests/system/test_sdk_reconnect.py reads them.
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";

const reconnect = {
  maxRetries: 120,
  maxDelay: 1000,
  onReconnecting: ({ attempt, closeCode }) => attempt === 1 && console.log(`closed ${closeCode}`),
};
const socket = new ResponsesWS(new OpenAI(), { reconnect });
let first;

socket.on("error", (error) => {
  // A server that is not back yet refuses the connection, and the client tries again.
  if (error.error?.code) throw error;
});
socket.on("response.completed", ({ response }) => {
  console.log(`completed ${response.id} ${response.previous_response_id}`);
  if (first) process.exit(0);
  first = response.id;
});
socket.on("reconnected", () => ask("two"));

function ask(input) {
  socket.send({ type: "response.create", model: "gpt-4-mini", input, previous_response_id: first ?? null });
}

ask("one");
