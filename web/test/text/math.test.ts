import { expect, test } from "vitest";
import { rendered } from "./render.js";

function formulas(text: string): string[] {
  return [...rendered(text).querySelectorAll<HTMLElement>(".math")].map((one) => one.dataset.tex ?? "");
}

test.each([
  ["\\(x^2\\)", ["x^2"]],
  ["a \\[y\\] b", ["y"]],
  ["$$\n\\frac{a}{b}\n$$", ["\\frac{a}{b}"]],
  ["Let $x_1$ be and $n$ too", ["x_1", "n"]],
  ["$$a$$ inside", ["a"]],
])("%s is a formula", (text, found) => {
  expect(formulas(text)).toEqual(found);
});

test.each([
  "It costs $5 to $10.",
  "From $5 and $10, or 5$ and 10$",
  "$HOME and $PATH",
  "US$20 vs. CA$30",
  "`$x^2$`",
  "\\$x^2\\$",
  "$ x^2 $",
])("%s is none", (text) => {
  expect(formulas(text)).toEqual([]);
});
