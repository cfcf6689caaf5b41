// What programs of tests are told and tell: their keys come in the environment, and they print one line of JSON.
export const KEY = process.env.OPENAI_API_KEY;
/** Of a user who may send two messages to `gpt-4`. */
export const STRICT_KEY = process.env.STRICT_KEY;
export const URL = process.env.OPENAI_BASE_URL;

/** Print how it went: what was answered, how the library says that a cap was reached, and what was stopped. */
export function tell({ replies, refused, usage, stopped }) {
  console.log(JSON.stringify({ replies, refused: refused.constructor.name, why: refused.message, usage, stopped }));
}
