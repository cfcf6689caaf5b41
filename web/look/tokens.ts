/** The measures and colours of the look, light and dark: custom properties that a host page may set otherwise. */

import { css, unsafeCSS } from "lit";

/** Light, then dark. Contrast of every pair that meets is checked by a test. */
export const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  bg: ["#ffffff", "#14171c"],
  surface: ["#f6f7f9", "#1c2027"],
  raised: ["#eceef2", "#272c35"],
  text: ["#1b1f27", "#e8eaee"],
  muted: ["#59616f", "#a3abb8"],
  accent: ["#0b5cad", "#79b8ff"],
  "on-accent": ["#ffffff", "#0c1a2b"],
  "accent-soft": ["#e3effb", "#17304d"],
  ok: ["#17703a", "#6fd393"],
  "ok-soft": ["#e3f4e9", "#153322"],
  warn: ["#8a5a00", "#f2c15c"],
  "warn-soft": ["#fdf1d8", "#3a2c0c"],
  bad: ["#b3261e", "#ff9a92"],
  "bad-soft": ["#fce8e6", "#44201d"],
  edge: ["#7c8494", "#7d8696"],
  border: ["#d5d9e0", "#3a404b"],
  "code-keyword": ["#8b1a8b", "#e2a0e6"],
  "code-string": ["#0a6b2e", "#8bd6a2"],
  "code-number": ["#9a4a00", "#f0b27a"],
  "code-comment": ["#5d6673", "#9aa3b1"],
};

const MEASURES: Readonly<Record<string, string>> = {
  font: 'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  mono: 'ui-monospace, "SF Mono", Menlo, Consolas, monospace, "Noto Sans Mono CJK SC"',
  column: "44rem",
  radius: "10px",
  quick: "120ms",
};

/** Returns the properties for `selector`, which is `:root` in a page and `:host` in an element. */
export function tokens(selector: ":root" | ":host") {
  const colours = Object.entries(COLOURS).map(
    ([name, [light, dark]]) => `--parley-${name}:light-dark(${light},${dark})`,
  );
  const measures = Object.entries(MEASURES).map(([name, value]) => `--parley-${name}:${value}`);
  return css`
    ${unsafeCSS(selector)} {
      ${unsafeCSS([...colours, ...measures].join(";"))};
    }
  `;
}
