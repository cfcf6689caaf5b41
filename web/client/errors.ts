/** What can go wrong, with the codes of docs/errors.md. */

import type { ErrorBody } from "./protocol.js";

/** Any failure of a call: `status` is that of HTTP, 0 if nobody answered. */
export class ParleyError extends Error {
  readonly code: string;
  readonly status: number;
  readonly body: ErrorBody;
  readonly requestId: string | null;

  constructor(status: number, body: ErrorBody, requestId: string | null = null) {
    super(body.message);
    this.name = "ParleyError";
    this.code = body.code || body.type || "internal_error";
    this.status = status;
    this.body = body;
    this.requestId = requestId;
  }

  /** When the same call will be served, if a cap refuses it. */
  get nextAt(): Date | null {
    return this.body.next_at ? new Date(this.body.next_at) : null;
  }
}

/** Nobody answers at the address. */
export function unreachable(): ParleyError {
  return new ParleyError(0, { message: "The server cannot be reached.", code: "unreachable" });
}

/** Returns the refusal that a body stands for; what is no JSON of ours gets the status as its reason. */
export function refusal(status: number, body: unknown, requestId: string | null = null): ParleyError {
  const error = (body as { error?: ErrorBody } | null)?.error;
  if (error && typeof error.message === "string") return new ParleyError(status, error, requestId);
  return new ParleyError(status, { message: `The server answered ${status}.` }, requestId);
}
