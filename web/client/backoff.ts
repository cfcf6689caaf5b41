/** When to connect again, and whether. Pure. */

const FIRST = 500;
const LONGEST = 15_000;

/** What the end of a connection asks for: connect again, with a new credential first, or no more. */
export type Fate = "retry" | "renew" | "stop";

/** Returns the milliseconds to wait before an attempt, 0 being the first, for a `chance` from 0 to 1. */
export function pause(attempt: number, chance: number): number {
  return chance * Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 8));
}

/** Returns what a close code of the server means; the table is in docs/protocol.md. */
export function fate(code: number): Fate {
  if (code === 4401) return "renew";
  return code === 4403 || code === 1003 || code === 1009 ? "stop" : "retry";
}
