/** What goes over the wire, as far as this client reads it. Frames of other types are let pass. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A frame of the socket `/v1/responses`, either way. */
export interface Frame {
  type: string;
  stream_id?: string;
  sequence_number?: number;
  [name: string]: unknown;
}

export interface ServedBy {
  asked: string;
  served: string;
  because: string;
  back_at: string | null;
}

export interface ErrorBody {
  message: string;
  type?: string;
  code?: string | null;
  param?: string | null;
  limit?: { id: string; cap: number; used: number; unit: string; window_seconds: number | null };
  next_at?: string | null;
  retry_after_seconds?: number;
  at_most?: boolean;
  charged?: boolean;
  options?: { do: string; model?: string; tier?: string }[];
}

export type ResponseStatus = "in_progress" | "completed" | "incomplete" | "cancelled" | "failed";

export interface ResponseBody {
  id: string;
  model: string;
  status: ResponseStatus;
  conversation: { id: string } | null;
  incomplete_details: { reason: string } | null;
  error: { code: string; message: string; type?: string } | null;
  usage: { input_tokens: number; output_tokens: number; total_tokens: number } | null;
  served_by?: ServedBy;
  metadata: Record<string, string>;
}

export type ContentPart =
  | { type: "input_text"; text: string }
  | { type: "output_text"; text: string }
  | { type: "refusal"; refusal: string }
  | { type: "reasoning_text"; text: string }
  | { type: "input_image"; file_id?: string | null; image_url?: string | null; detail?: string };

/** An item of a conversation, with where it stands in the tree. */
export interface Item {
  id: string;
  type: string;
  role?: "user" | "assistant";
  status: string;
  content?: ContentPart[];
  parent_id: string | null;
  response_id: string | null;
  created_at: number;
  siblings: string[];
}

export interface Page<T> {
  data: T[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

export interface ConversationBody {
  id: string;
  created_at: number;
  updated_at: number;
  title: string;
  persona: string | null;
  revision: number | null;
  leaf: string | null;
  metadata: Record<string, string>;
  archived: boolean;
}

export interface Dial {
  choices: string[];
  default: string;
  label?: string;
  labels?: Record<string, string>;
}

export interface PersonaBody {
  id: string;
  revision: number;
  title: string;
  summary: string | null;
  avatar: string | null;
  greetings: string[];
  starters: string[];
  dials: Record<string, Dial>;
  notes: { max_chars: number; label?: string } | null;
  needs: string[];
  locales: string[];
}

export interface ModelBody {
  id: string;
  vision?: boolean;
  tools?: boolean;
  demonstration?: boolean;
  description?: string;
}

export interface Limit {
  id: string;
  model: string | null;
  unit: string;
  kind: string;
  window_seconds: number | null;
  cap: number;
  base_cap: number;
  cap_reason: string | null;
  warning: string | null;
  used: number;
  held: number;
  remaining: number;
  next_at: string | null;
  next_free_at: string | null;
  full_at: string | null;
}

export interface Usage {
  tier: string;
  as_of: string;
  limits: Limit[];
  grants: { id: string; model: string | null; unit: string; remaining: number; expires_at: string | null }[];
  fallback: { model: string; remaining: number | null } | null;
}

export interface Match {
  conversation: string;
  title: string;
  role: string;
  snippet: string;
  place: string;
}
