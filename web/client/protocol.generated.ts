// Made of docs/asyncapi.json by `make describe`; never edited.

/**
 * What clients send.
 */
export type ResponsesRequest = ResponseCreate | ResponseSteer | Ping | Cancel | Resume | Follow | Unfollow;
/**
 * What clients are sent.
 */
export type ResponsesFrame =
  | ResponseCreated
  | ResponseInProgress
  | OutputItemAdded
  | OutputItemDone
  | ContentPartAdded
  | ContentPartDone
  | OutputTextDelta
  | OutputTextDone
  | RefusalDelta
  | RefusalDone
  | ReasoningTextDelta
  | ReasoningTextDone
  | ReasoningSummaryPartAdded
  | ReasoningSummaryPartDone
  | ReasoningSummaryTextDelta
  | ReasoningSummaryTextDone
  | FunctionCallArgumentsDelta
  | FunctionCallArgumentsDone
  | ResponseCompleted
  | ResponseIncomplete
  | ResponseFailed
  | ErrorEvent
  | SteerFailed
  | Pong
  | ServedByFrame
  | Waiting
  | UsageFrame
  | Draining
  | ConversationFollowed
  | ConversationTurn
  | ConversationRetitled
  | ConversationMoved
  | ConversationDeleted
  | ConversationUnfollowed;
/**
 * What clients send.
 */
export type CompletionsRequest = ChatRequest | Ping | Cancel | Resume | Follow | Unfollow;
/**
 * What clients are sent.
 */
export type CompletionsFrame =
  | ChatCompletionChunk
  | CompletionError
  | Pong
  | ServedByFrame
  | Waiting
  | UsageFrame
  | Draining
  | ConversationFollowed
  | ConversationTurn
  | ConversationRetitled
  | ConversationMoved
  | ConversationDeleted
  | ConversationUnfollowed;

/**
 * A piece of a call of a function.
 */
export interface CallPiece {
  index: number;
  id?: string;
  type?: "function";
  function: CalledFunction;
}
/**
 * Of a call: the name comes with its first chunk, the arguments in pieces.
 */
export interface CalledFunction {
  name?: string;
  arguments: string;
}
/**
 * Stops a response at what was produced, on this socket or another.
 */
export interface Cancel {
  type: "parley:cancel";
  response_id: string;
}
/**
 * A piece of an answer. The first one has the role, the last one the finish reason or, if asked for, the usage.
 */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /**
   * Seconds since the epoch.
   */
  created: number;
  /**
   * The alias that answers.
   */
  model: string;
  system_fingerprint: null;
  choices: ChunkChoice[];
  usage?: CompletionUsage | null;
  served_by?: ServedBy;
  conversation?: ConversationReference;
  /**
   * With `parley:demoted` where system text was taken as notes.
   */
  metadata?: {
    [k: string]: string;
  };
  /**
   * The position, for clients that opted in to extensions.
   */
  sequence_number?: number;
  stream_id?: string;
}
/**
 * The one choice.
 */
export interface ChunkChoice {
  index: 0;
  delta: ChunkDelta;
  logprobs: ChunkLogprobs | null;
  finish_reason: ("stop" | "length" | "tool_calls" | "content_filter") | null;
}
/**
 * What is new.
 */
export interface ChunkDelta {
  role?: "assistant";
  content?: string;
  refusal?: string;
  reasoning_content?: string;
  tool_calls?: CallPiece[];
}
/**
 * What the provider says of the tokens that the chunk completes.
 */
export interface ChunkLogprobs {
  content: WrittenToken[];
  refusal: null;
}
/**
 * A token that was written, and the most likely ones in its place.
 */
export interface WrittenToken {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs: LikelyToken[];
}
/**
 * A token that might have been written.
 */
export interface LikelyToken {
  token: string;
  logprob: number;
  bytes: number[];
}
/**
 * Tokens of an answer and its prompt.
 */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: PromptTokensDetails;
  completion_tokens_details: OutputTokensDetails;
}
/**
 * Of the prompt's tokens.
 */
export interface PromptTokensDetails {
  cached_tokens: number;
}
/**
 * Of the answer's tokens.
 */
export interface OutputTokensDetails {
  reasoning_tokens: number;
}
/**
 * In the first chunk, as the two after it.
 */
export interface ServedBy {
  asked: string;
  served: string;
  because: string;
  /**
   * When the alias asked for has room again, RFC 3339; null if nobody knows.
   */
  back_at: string | null;
}
/**
 * The stored conversation that a response is in.
 */
export interface ConversationReference {
  id: string;
}
/**
 * A message: text, or parts of text.
 */
export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant" | "tool";
  content?:
    | string
    | {
        [k: string]: unknown;
      }[]
    | null;
  tool_calls?:
    | {
        [k: string]: unknown;
      }[]
    | null;
  /**
   * Of a `tool` message: the call whose output it is.
   */
  tool_call_id?: string | null;
}
/**
 * Asks for an answer: the body of `POST /v1/chat/completions`, and a lane. The answer is chunks.
 */
export interface ChatRequest {
  /**
   * Absent only with `regenerate`.
   */
  messages?: ChatMessage[] | null;
  /**
   * An alias, or `persona:name`.
   */
  model?: string | null;
  stream?: boolean | null;
  stream_options?: StreamOptions | null;
  temperature?: number | null;
  top_p?: number | null;
  max_completion_tokens?: number | null;
  max_tokens?: number | null;
  stop?: string | string[] | null;
  seed?: number | null;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  response_format?: {
    [k: string]: unknown;
  } | null;
  /**
   * Functions of the client's program.
   */
  tools?:
    | {
        [k: string]: unknown;
      }[]
    | null;
  tool_choice?:
    | string
    | {
        [k: string]: unknown;
      }
    | null;
  parallel_tool_calls?: boolean | null;
  store?: boolean | null;
  metadata?: {
    [k: string]: string;
  } | null;
  persona?: string | null;
  dials?: {
    [k: string]: string;
  } | null;
  /**
   * What the user tells of themselves.
   */
  notes?: string | null;
  /**
   * The id of a stored conversation, or `new`.
   */
  conversation?: string | null;
  /**
   * The message of the conversation that the first message answers to; null begins at the root.
   */
  parent?: string | null;
  /**
   * The id of a response whose question is answered once more, in place of messages.
   */
  regenerate?: string | null;
  /**
   * Which greeting of the persona the user saw.
   */
  greeting?: number | null;
  when_capped?: ("use" | "wait" | "refuse") | null;
  /**
   * Makes the request safe to send again.
   */
  client_request_id?: string | null;
  stream_id?: string | null;
}
/**
 * What a stream carries beside the text.
 */
export interface StreamOptions {
  include_usage?: boolean;
}
/**
 * A frame is not served, or an answer broke off; the socket lives on.
 */
export interface CompletionError {
  error: Error;
  /**
   * The status that HTTP would have.
   */
  status: number;
  stream_id?: string;
}
/**
 * Why a call was not served. The codes are those of docs/errors.md.
 */
export interface Error {
  message: string;
  type: string;
  param: string | null;
  code: string;
  /**
   * On sockets: the headers that HTTP would have, such as `retry-after`.
   */
  headers?: {
    [k: string]: string;
  };
  limit?: ReachedLimit | null;
  /**
   * When the same call is served, RFC 3339.
   */
  next_at?: string | null;
  retry_after_seconds?: number | null;
  /**
   * Whether it may be sooner than `next_at`, because something is in flight.
   */
  at_most?: boolean;
  full_at?: string | null;
  charged?: boolean;
  options?: WayOut[];
  /**
   * The tiers that have the model, where this one does not.
   */
  tiers?: string[];
  /**
   * Of a persona's text: each line and its cure.
   */
  problems?: {
    [k: string]: unknown;
  }[];
}
/**
 * The cap that refused.
 */
export interface ReachedLimit {
  id: string;
  cap: number;
  /**
   * What is in flight included.
   */
  used: number;
  unit: string;
  window_seconds: number | null;
}
/**
 * What the user may do instead.
 */
export interface WayOut {
  do: "continue" | "wait" | "upgrade";
  model?: string;
  tier?: string;
}
/**
 * A part of an item begins.
 */
export interface ContentPartAdded {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.content_part.added";
  content_index: number;
  part: OutputText | Refusal | ReasoningText;
}
/**
 * What the assistant says.
 */
export interface OutputText {
  type: "output_text";
  text: string;
  /**
   * Always empty.
   */
  annotations: null[];
  logprobs: WrittenToken[];
}
/**
 * What the model says in place of an answer.
 */
export interface Refusal {
  type: "refusal";
  refusal: string;
}
/**
 * What the model thinks before it answers.
 */
export interface ReasoningText {
  type: "reasoning_text";
  text: string;
}
/**
 * A part of an item has ended, and is here as a whole.
 */
export interface ContentPartDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.content_part.done";
  content_index: number;
  part: OutputText | Refusal | ReasoningText;
}
/**
 * It was deleted, and is followed no more.
 */
export interface ConversationDeleted {
  type: "parley:conversation";
  conversation: string;
  event: "deleted";
}
/**
 * Answers `parley:follow`: how the conversation stands.
 */
export interface ConversationFollowed {
  type: "parley:conversation";
  conversation: string;
  event: "followed";
  title: string;
  leaf: string | null;
  /**
   * Ids of responses.
   */
  running: string[];
}
/**
 * It goes on from another message.
 */
export interface ConversationMoved {
  type: "parley:conversation";
  conversation: string;
  event: "leaf";
  leaf: string | null;
}
/**
 * It has another title.
 */
export interface ConversationRetitled {
  type: "parley:conversation";
  conversation: string;
  event: "title";
  title: string;
}
/**
 * A turn runs that this socket did not ask for; its events follow in the lane `stream_id`.
 */
export interface ConversationTurn {
  type: "parley:conversation";
  conversation: string;
  event: "turn";
  response_id: string;
  stream_id: string;
  /**
   * The message that `input` answers to.
   */
  parent: string | null;
  /**
   * Items, as `GET /v1/conversations/{id}/items` has them.
   */
  input: {
    [k: string]: unknown;
  }[];
  model: string;
  persona: string;
}
/**
 * It is followed no more.
 */
export interface ConversationUnfollowed {
  type: "parley:conversation";
  conversation: string;
  event: "unfollowed";
}
/**
 * The node goes down: nothing new is accepted, what runs is finished.
 */
export interface Draining {
  type: "parley:draining";
  reconnect_in_ms: number;
}
/**
 * A frame is not served; the socket lives on.
 */
export interface ErrorEvent {
  type: "error";
  /**
   * The status that HTTP would have.
   */
  status: number;
  error: Error;
  stream_id?: string;
}
/**
 * Shows from now on what happens in a stored conversation.
 */
export interface Follow {
  type: "parley:follow";
  conversation: string;
  stream_id?: string;
}
/**
 * More of the arguments of a call.
 */
export interface FunctionCallArgumentsDelta {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.function_call_arguments.delta";
  delta: string;
}
/**
 * The arguments of a call.
 */
export interface FunctionCallArgumentsDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.function_call_arguments.done";
  name: string;
  arguments: string;
}
/**
 * A call of a function of the client's program.
 */
export interface FunctionCallItem {
  id: string;
  type: "function_call";
  status: "in_progress" | "completed" | "incomplete";
  call_id: string;
  name: string;
  arguments: string;
}
/**
 * Why an answer is not whole.
 */
export interface IncompleteDetails {
  reason: string;
}
/**
 * Of the prompt's tokens.
 */
export interface InputTokensDetails {
  cached_tokens: number;
  cache_write_tokens: number;
}
/**
 * What the assistant says, or the refusal of the model.
 */
export interface MessageItem {
  id: string;
  type: "message";
  role: "assistant";
  status: "in_progress" | "completed" | "incomplete";
  content: (OutputText | Refusal)[];
}
/**
 * An item begins.
 */
export interface OutputItemAdded {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.output_item.added";
  output_index: number;
  item: MessageItem | ReasoningItem | FunctionCallItem;
}
/**
 * What the model thinks.
 */
export interface ReasoningItem {
  id: string;
  type: "reasoning";
  status: "in_progress" | "completed" | "incomplete";
  summary: SummaryText[];
  content?: ReasoningText[];
}
/**
 * The same, where `reasoning.summary` was asked for.
 */
export interface SummaryText {
  type: "summary_text";
  text: string;
}
/**
 * An item has ended, and is here as a whole.
 */
export interface OutputItemDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.output_item.done";
  output_index: number;
  item: MessageItem | ReasoningItem | FunctionCallItem;
}
/**
 * More of what the assistant says. Of several deltas in one, the number is the last one's.
 */
export interface OutputTextDelta {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.output_text.delta";
  content_index: number;
  delta: string;
  logprobs: WrittenToken[];
}
/**
 * What the assistant said.
 */
export interface OutputTextDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.output_text.done";
  content_index: number;
  text: string;
  logprobs: WrittenToken[];
}
/**
 * Is answered by `parley:pong`.
 */
export interface Ping {
  type: "parley:ping";
  id?: unknown;
}
/**
 * Answers `parley:ping`, with its `id`.
 */
export interface Pong {
  type: "parley:pong";
  id?: unknown;
}
/**
 * The persona that answers, its revision and its dials.
 */
export interface PromptReference {
  id?: string | null;
  version?: string | null;
  variables?: {
    [k: string]: unknown;
  } | null;
}
/**
 * A summary of what the model thinks begins.
 */
export interface ReasoningSummaryPartAdded {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.reasoning_summary_part.added";
  summary_index: number;
  part: SummaryText;
}
/**
 * A summary of what the model thinks has ended.
 */
export interface ReasoningSummaryPartDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.reasoning_summary_part.done";
  summary_index: number;
  part: SummaryText;
}
/**
 * More of a summary of what the model thinks.
 */
export interface ReasoningSummaryTextDelta {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.reasoning_summary_text.delta";
  summary_index: number;
  delta: string;
}
/**
 * A summary of what the model thought.
 */
export interface ReasoningSummaryTextDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.reasoning_summary_text.done";
  summary_index: number;
  text: string;
}
/**
 * More of what the model thinks.
 */
export interface ReasoningTextDelta {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.reasoning_text.delta";
  content_index: number;
  delta: string;
}
/**
 * What the model thought.
 */
export interface ReasoningTextDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.reasoning_text.done";
  content_index: number;
  text: string;
}
/**
 * More of a refusal of the model's.
 */
export interface RefusalDelta {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.refusal.delta";
  content_index: number;
  delta: string;
}
/**
 * A refusal of the model's.
 */
export interface RefusalDone {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  item_id: string;
  output_index: number;
  type: "response.refusal.done";
  content_index: number;
  refusal: string;
}
/**
 * A response as it stands.
 */
export interface Response {
  id: string;
  object: "response";
  /**
   * Seconds since the epoch.
   */
  created_at: number;
  completed_at: number | null;
  status: "in_progress" | "completed" | "incomplete" | "cancelled" | "failed";
  incomplete_details: IncompleteDetails | null;
  /**
   * The alias that answers.
   */
  model: string;
  previous_response_id: string | null;
  output: (MessageItem | ReasoningItem | FunctionCallItem)[];
  error: ResponseError | null;
  /**
   * Null until the answer has ended.
   */
  usage: ResponseUsage | null;
  store: boolean;
  conversation: ConversationReference | null;
  served_by?: ServedBy1;
  instructions: string | null;
  tools: {
    [k: string]: unknown;
  }[];
  tool_choice:
    | string
    | {
        [k: string]: unknown;
      };
  truncation: "auto" | "disabled";
  parallel_tool_calls: boolean;
  text: ResponseText;
  top_p: number;
  presence_penalty: number;
  frequency_penalty: number;
  top_logprobs: number;
  temperature: number;
  reasoning: {
    [k: string]: unknown;
  } | null;
  max_output_tokens: number | null;
  max_tool_calls: number | null;
  background: boolean;
  service_tier: "default";
  /**
   * With `parley:demoted` where system text was taken as notes.
   */
  metadata: {
    [k: string]: string;
  };
  safety_identifier: string | null;
  prompt_cache_key: string | null;
  user?: string;
}
/**
 * Why an answer failed.
 */
export interface ResponseError {
  /**
   * One of those that SDKs know.
   */
  code: "server_error" | "rate_limit_exceeded" | "invalid_prompt";
  message: string;
  /**
   * The code of docs/errors.md.
   */
  type: string;
}
/**
 * Tokens of an answer and its prompt.
 */
export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details: InputTokensDetails;
  output_tokens: number;
  output_tokens_details: OutputTokensDetails;
  total_tokens: number;
}
/**
 * Another alias answers than the one asked for.
 */
export interface ServedBy1 {
  asked: string;
  served: string;
  because: string;
  /**
   * When the alias asked for has room again, RFC 3339; null if nobody knows.
   */
  back_at: string | null;
}
/**
 * The form of the answer.
 */
export interface ResponseText {
  format: {
    [k: string]: unknown;
  };
}
/**
 * The answer is whole. Nothing of it comes after this.
 */
export interface ResponseCompleted {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.completed";
  response: Response;
}
/**
 * Asks for an answer: the body of `POST /v1/responses`, and a lane.
 */
export interface ResponseCreate {
  /**
   * A message of the user's, or items. Absent only with `regenerate` or `generate: false`.
   */
  input?:
    | string
    | {
        [k: string]: unknown;
      }[]
    | null;
  /**
   * An alias, or `persona:name`.
   */
  model?: string | null;
  instructions?: string | null;
  previous_response_id?: string | null;
  conversation?:
    | string
    | {
        [k: string]: unknown;
      }
    | null;
  /**
   * The message of the conversation that the input answers to; null begins at the root.
   */
  parent?: string | null;
  /**
   * The id of a response whose question is answered once more, in place of an input.
   */
  regenerate?: string | null;
  prompt?: PromptReference | null;
  /**
   * What the user tells of themselves.
   */
  notes?: string | null;
  store?: boolean | null;
  stream?: boolean | null;
  metadata?: {
    [k: string]: string;
  } | null;
  temperature?: number | null;
  top_p?: number | null;
  max_output_tokens?: number | null;
  top_logprobs?: number | null;
  include?: string[] | null;
  reasoning?: {
    [k: string]: unknown;
  } | null;
  /**
   * The form of the answer, as `format`.
   */
  text?: {
    [k: string]: unknown;
  } | null;
  /**
   * Functions of the client's program.
   */
  tools?:
    | {
        [k: string]: unknown;
      }[]
    | null;
  tool_choice?:
    | string
    | {
        [k: string]: unknown;
      }
    | null;
  parallel_tool_calls?: boolean | null;
  background?: boolean | null;
  /**
   * False stores the request and answers with an empty output.
   */
  generate?: boolean | null;
  /**
   * Which greeting of the persona the user saw.
   */
  greeting?: number | null;
  when_capped?: ("use" | "wait" | "refuse") | null;
  /**
   * Makes the request safe to send again.
   */
  client_request_id?: string | null;
  type: "response.create";
  stream_id?: string | null;
}
/**
 * The message is stored and an answer begins. Nothing comes before it.
 */
export interface ResponseCreated {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.created";
  response: Response;
}
/**
 * The answer broke off; `response.error` says why.
 */
export interface ResponseFailed {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.failed";
  response: Response;
}
/**
 * The answer is being made.
 */
export interface ResponseInProgress {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.in_progress";
  response: Response;
}
/**
 * The answer ended before it was whole, or was cancelled: `response.status` says which.
 */
export interface ResponseIncomplete {
  /**
   * Its position; rises, and may skip.
   */
  sequence_number: number;
  /**
   * The lane of the request, if it named one.
   */
  stream_id?: string;
  type: "response.incomplete";
  response: Response;
}
/**
 * Is answered by `response.steer.failed`: a running answer is not steered.
 */
export interface ResponseSteer {
  type: "response.steer";
  previous_response_id?: string;
  input?: unknown;
}
/**
 * Shows the events after a position, and goes on live.
 */
export interface Resume {
  type: "parley:resume";
  response_id: string;
  starting_after?: number;
  stream_id?: string;
  stream_options?: ResumeOptions;
}
/**
 * What a resumed stream carries beside the text.
 */
export interface ResumeOptions {
  include_usage?: boolean;
}
/**
 * Comes after `response.created` where another alias answers than the one asked for.
 */
export interface ServedByFrame {
  asked: string;
  served: string;
  because: string;
  /**
   * When the alias asked for has room again, RFC 3339; null if nobody knows.
   */
  back_at: string | null;
  type: "parley:served_by";
  response_id: string;
  stream_id?: string;
}
/**
 * Why a running answer is not steered.
 */
export interface SteerError {
  type: "invalid_request_error";
  code: "steering_not_supported";
  message: string;
}
/**
 * Answers `response.steer`, which is not supported.
 */
export interface SteerFailed {
  type: "response.steer.failed";
  error: SteerError;
  /**
   * What was sent.
   */
  steer: {
    [k: string]: unknown;
  };
}
/**
 * Ends that.
 */
export interface Unfollow {
  type: "parley:unfollow";
  conversation: string;
}
/**
 * What answers once the first choice is used up.
 */
export interface UsageFallback {
  model: string;
  remaining: number | null;
}
/**
 * The same, after an answer has ended.
 */
export interface UsageFrame {
  tier: string;
  as_of: string;
  limits: UsageLimit[];
  grants: UsageGrant[];
  fallback: UsageFallback | null;
  type: "parley:usage";
}
/**
 * How full a cap is. Times are RFC 3339.
 */
export interface UsageLimit {
  id: string;
  /**
   * The alias or group that it names; null for the whole tier.
   */
  model: string | null;
  unit: string;
  kind: "rolling" | "first_use" | "calendar" | "concurrent";
  window_seconds: number | null;
  cap: number;
  /**
   * What the tier says; more than `cap` while demand is high.
   */
  base_cap: number;
  /**
   * Why it is lower, to show to the user.
   */
  cap_reason: string | null;
  /**
   * A sentence to show to the user at 80 % and at one message left.
   */
  warning: string | null;
  used: number;
  held: number;
  remaining: number;
  /**
   * When there is room again; null while there is.
   */
  next_at: string | null;
  /**
   * When there is more room than now.
   */
  next_free_at: string | null;
  /**
   * When nothing of it is used any more.
   */
  full_at: string | null;
}
/**
 * Units that the user was given once.
 */
export interface UsageGrant {
  id: string;
  model: string | null;
  unit: string;
  amount: number;
  used: number;
  held: number;
  remaining: number;
  expires_at: string;
}
/**
 * A request waits for room; 1 is the next.
 */
export interface Waiting {
  type: "parley:waiting";
  position: number;
  stream_id?: string;
}
