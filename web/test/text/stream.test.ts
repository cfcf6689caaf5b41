import { tests as examples } from "commonmark-spec";
import { expect, test } from "vitest";
import { Stream } from "../../text/stream.js";
import { LABELS, rendered } from "./render.js";

test.each([...examples.entries()])(
  "example %i of CommonMark is the same whole and letter by letter",
  (_, { markdown }) => {
    const text = markdown.replaceAll("→", "\t");
    expect(rendered(...text).innerHTML).toBe(rendered(text).innerHTML);
  },
);

test("what is settled keeps its nodes while the text goes on", () => {
  const host = document.createElement("div");
  const stream = new Stream(host, LABELS);
  stream.append("First *one*.\n\nSecond");
  stream.show();
  const first = host.querySelector("em");
  const second = host.querySelectorAll("p")[1]?.firstChild;
  stream.append(" goes on\n\n- and\n- on");
  stream.show();
  stream.finish();
  expect(host.querySelector("em")).toBe(first);
  expect(host.querySelectorAll("p")[1]?.firstChild).toBe(second);
  expect(second?.textContent).toBe("Second goes on");
});

test("a link whose address is told later becomes one at the end", () => {
  const host = rendered("See [this].\n\nMore.\n\n", "[this]: https://example.org/\n");
  expect(host.querySelector("a")?.getAttribute("href")).toBe("https://example.org/");
});

test("what is not closed yet is shown as if it were, and does not flicker", () => {
  const host = document.createElement("div");
  const stream = new Stream(host, LABELS);
  const seen: string[] = [];
  for (const piece of [
    "A ",
    "**",
    "bold",
    " word",
    "**",
    " and `co",
    "de` and [li",
    "nk](https://exa",
    "mple.org) end",
  ]) {
    stream.append(piece);
    stream.show();
    seen.push(host.textContent ?? "");
  }
  expect(seen.filter((text) => /[*`[\]]/.test(text))).toEqual([]);
  expect(host.querySelector("a")?.textContent).toBe("link");
});

test("a block that never ends is shown as rows, and above a size on demand", () => {
  const line = "x".repeat(500_000);
  const host = rendered(line.slice(0, 100_000), line.slice(100_000));
  expect(host.querySelectorAll(".row").length).toBeGreaterThan(40);
  expect(host.querySelectorAll("p").length).toBe(0);
  const button = host.querySelector("button");
  expect(button?.textContent).toBe("200000 more");
  button?.click();
  expect(host.textContent).toBe(line);
});

const NASTY: Record<string, string> = {
  "deep quotes": ">".repeat(5_000),
  "nested lists": Array.from({ length: 200 }, (_, n) => `${" ".repeat(n * 2)}- a`).join("\n"),
  "open emphasis": "_a ".repeat(20_000),
  "closed emphasis": "a_ ".repeat(20_000),
  stars: "*".repeat(20_000),
  "mixed stars": "**a *b ".repeat(5_000),
  "open brackets": "[".repeat(20_000),
  "open links": "[a](".repeat(5_000),
  "open images": "![a](".repeat(5_000),
  backticks: Array.from({ length: 300 }, (_, n) => "`".repeat(n)).join(" "),
  "wide table": ["|a".repeat(200), "|-".repeat(200), ...Array.from({ length: 200 }, () => "|b".repeat(200))].join("\n"),
  references: "[a]: b\n".repeat(5_000),
  entities: "&amp;".repeat(10_000),
  escapes: "\\*".repeat(20_000),
  dollars: "$a ".repeat(10_000),
  "open formulas": "\\(".repeat(10_000),
  addresses: "https://a.b/c ".repeat(3_000),
};

test.each(Object.entries(NASTY))("%s are read to their end", (_, text) => {
  expect(rendered(`${text}\n\nThe end.`).textContent).toContain("The end.");
});
