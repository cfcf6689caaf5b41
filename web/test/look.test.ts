import { expect, test } from "vitest";
import { COLOURS } from "../look/tokens.js";
import { en } from "../words/en.js";
import { zh } from "../words/zh.js";

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["bg", "surface"];
const PAIRS: [string, string, number][] = [
  ...GROUNDS.flatMap((ground): [string, string, number][] => [
    ...["text", "muted", "accent", "ok", "warn", "bad"].map((name): [string, string, number] => [name, ground, 4.5]),
    ["edge", ground, 3],
  ]),
  ...["keyword", "string", "number", "comment"].map((name): [string, string, number] => [
    `code-${name}`,
    "surface",
    4.5,
  ]),
  ["text", "raised", 4.5],
  ["text", "accent-soft", 4.5],
  ["on-accent", "accent", 4.5],
  ["ok", "ok-soft", 4.5],
  ["warn", "warn-soft", 4.5],
  ["bad", "bad-soft", 4.5],
];

test.each(PAIRS)("%s on %s can be read in light and in dark", (name, ground, least) => {
  for (const theme of [0, 1] as const) {
    expect(contrast(COLOURS[name]?.[theme] ?? "", COLOURS[ground]?.[theme] ?? "")).toBeGreaterThanOrEqual(least);
  }
});

test("every word is there in every language, with the same places to fill in", () => {
  const places = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  for (const [word, text] of Object.entries(en)) expect(places(zh[word as keyof typeof en])).toEqual(places(text));
});
