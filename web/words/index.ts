/** Which words are said: the dictionary of a language, filled in. */

import { en } from "./en.js";
import { zh } from "./zh.js";

export type Word = keyof typeof en;
export type Words = Readonly<Record<Word, string>>;

let dictionary: Words = en;
let tag = "en";

/** Says everything in the first language of `wanted` that there are words for, else in English. */
export function speak(wanted: readonly string[]): void {
  const first = wanted.map((one) => one.toLowerCase()).find((one) => /^(en|zh)\b/.test(one)) ?? "en";
  dictionary = first.startsWith("zh") ? zh : en;
  tag = first;
}

/** Returns the language that is spoken. */
export function language(): string {
  return tag;
}

/** Returns the words for `word`, with `{name}` filled in. */
export function t(word: Word, values: Readonly<Record<string, string | number>> = {}): string {
  let said: string = dictionary[word];
  if (said.includes("|")) {
    const [one = "", many = one] = said.split("|");
    said = values.n === 1 ? one : many;
  }
  return said.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
