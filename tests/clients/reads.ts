// A client of the Responses socket, compiled against the generated types: a member that is renamed fails the build.
import type { CompletionsFrame, ResponsesFrame, ResponsesRequest } from "../../web/client/protocol.generated.js";

export const request: ResponsesRequest = { type: "response.create", stream_id: "a", input: "Hello" };

/** Return what a frame says to whoever reads the answer. */
export function said(frame: ResponsesFrame): string {
  switch (frame.type) {
    case "response.created":
      return `${frame.response.id} by ${frame.response.model}`;
    case "response.output_text.delta":
      return frame.delta;
    case "response.completed":
    case "response.incomplete":
      return `${frame.response.status}, ${frame.response.usage?.output_tokens ?? 0} tokens at ${frame.sequence_number}`;
    case "error":
      return `${frame.error.code} until ${frame.error.next_at ?? "now"}`;
    case "parley:usage":
      return frame.limits.map((limit) => `${limit.remaining} of ${limit.cap}`).join();
    case "parley:conversation":
      return frame.event === "turn" ? frame.response_id : frame.conversation;
    default:
      return "";
  }
}

/** Return the text that a chunk adds. */
export function added(frame: CompletionsFrame): string {
  return "choices" in frame ? (frame.choices[0]?.delta.content ?? "") : "";
}
