import { expect, test, vi } from "vitest";
import { sourceOf } from "../../text/patch.js";
import { rendered } from "./render.js";

test("code is coloured once it is whole, and keeps its exact text", async () => {
  const source = 'def f(x):\n    return "a" + 1  # why\n';
  const code = rendered(`\`\`\`py\n${source}\`\`\`\n`).querySelector("code") as HTMLElement;
  await vi.waitFor(() => expect(code.querySelector(".hl-keyword")?.textContent).toBe("def"), { timeout: 10_000 });
  expect(code.querySelector(".hl-string")?.textContent).toBe('"a"');
  expect(code.textContent).toBe(source);
  expect(sourceOf(code)).toBe(source);
});

test("code in a language that nobody knows stays as it is", () => {
  const code = rendered("```constructor\nx\n```").querySelector("code");
  expect(code?.childNodes.length).toBe(1);
});
