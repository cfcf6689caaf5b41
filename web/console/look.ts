/** How the console's views look, beside what every page shares. */

import { css } from "lit";
import { controls, reset } from "../look/controls.js";

export const view = [
  reset,
  controls,
  css`
    :host {
      display: block;
      font: 14px/1.45 var(--parley-font);
      color: var(--parley-text);
    }
    h1 {
      margin: 0 0 16px;
      font-size: 22px;
      overflow-wrap: anywhere;
    }
    h2 {
      margin: 32px 0 12px;
      font-size: 16px;
    }
    p {
      margin: 0 0 12px;
      max-width: 70ch;
    }
    .quiet {
      color: var(--parley-muted);
    }
    .bad {
      color: var(--parley-bad);
    }
    .ok {
      color: var(--parley-ok);
    }
    .row {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
      align-items: end;
      margin: 0 0 16px;
    }
    label {
      display: grid;
      gap: 4px;
      font-size: 13px;
    }
    .wide {
      overflow-x: auto;
      margin: 0 0 16px;
    }
    table {
      border-collapse: collapse;
      width: 100%;
    }
    th,
    td {
      text-align: start;
      vertical-align: top;
      padding: 8px 12px 8px 0;
      border-bottom: 1px solid var(--parley-border);
      overflow-wrap: break-word;
    }
    th {
      font-weight: 600;
      color: var(--parley-muted);
      white-space: nowrap;
    }
    button {
      white-space: nowrap;
    }
    td.long {
      min-width: 12rem;
      overflow-wrap: anywhere;
    }
    .number {
      text-align: end;
      padding-inline-end: 24px;
      font-variant-numeric: tabular-nums;
    }
    code,
    pre,
    textarea {
      font-family: var(--parley-mono);
      font-size: 13px;
    }
    pre {
      margin: 0;
      padding: 12px;
      border-radius: 10px;
      background: var(--parley-surface);
      overflow: auto;
      max-height: 32rem;
      white-space: pre-wrap;
      overflow-wrap: anywhere;
    }
    textarea {
      width: 100%;
      min-height: 24rem;
      line-height: 1.5;
      resize: vertical;
    }
    summary {
      padding: 6px 0;
      cursor: pointer;
    }
    .badge {
      display: inline-block;
      padding: 0 8px;
      border-radius: 999px;
      background: var(--parley-raised);
      font-size: 13px;
    }
    .badge.live {
      background: var(--parley-ok-soft);
      color: var(--parley-ok);
    }
    .badge.stopped {
      background: var(--parley-bad-soft);
      color: var(--parley-bad);
    }
    .problem {
      padding: 8px 12px;
      border-radius: 10px;
      background: var(--parley-bad-soft);
      color: var(--parley-bad);
      overflow-wrap: anywhere;
      white-space: pre-wrap;
    }
    .done {
      padding: 8px 12px;
      border-radius: 10px;
      background: var(--parley-ok-soft);
      color: var(--parley-ok);
      overflow-wrap: anywhere;
    }
    progress {
      width: 10rem;
      height: 8px;
      accent-color: var(--parley-accent);
    }
  `,
];
