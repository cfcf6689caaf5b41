/** How the text of an answer looks. */

import { css } from "lit";

export const prose = css`
  .prose {
    overflow-wrap: anywhere;
  }
  .block > * {
    margin: 0 0 12px;
  }
  .prose > .block:last-child > :last-child {
    margin-bottom: 0;
  }
  h1,
  h2,
  h3,
  h4,
  h5,
  h6 {
    font-size: 18px;
    line-height: 1.4;
    margin: 20px 0 8px !important;
  }
  h1 {
    font-size: 22px;
  }
  ul,
  ol {
    padding-inline-start: 24px;
  }
  li > ul,
  li > ol,
  li > p {
    margin: 4px 0;
  }
  blockquote {
    border-inline-start: 3px solid var(--parley-border);
    padding-inline-start: 12px;
    margin-inline: 0 !important;
    color: var(--parley-muted);
  }
  hr {
    border: 0;
    border-top: 1px solid var(--parley-border);
  }
  table {
    display: block;
    overflow-x: auto;
    border-collapse: collapse;
    max-width: 100%;
  }
  th,
  td {
    border: 1px solid var(--parley-border);
    padding: 4px 10px;
    text-align: start;
  }
  .right {
    text-align: end;
  }
  .center {
    text-align: center;
  }
  code {
    font: 14px/1.5 var(--parley-mono);
    background: var(--parley-raised);
    border-radius: 4px;
    padding: 1px 4px;
  }
  .code {
    border: 1px solid var(--parley-border);
    border-radius: var(--parley-radius);
    overflow: hidden;
    background: var(--parley-surface);
  }
  .bar {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding: 4px 4px 4px 12px;
    font-size: 13px;
    color: var(--parley-muted);
    border-bottom: 1px solid var(--parley-border);
  }
  .bar button {
    font-size: 13px;
    min-height: 28px;
    border-color: transparent;
    background: none;
  }
  pre {
    margin: 0;
    padding: 12px;
    overflow-x: auto;
  }
  pre code {
    background: none;
    padding: 0;
    white-space: pre;
    overflow-wrap: normal;
  }
  .row {
    white-space: pre-wrap;
    content-visibility: auto;
    contain-intrinsic-size: auto 400px;
  }
  .odd {
    font: 12px var(--parley-mono);
    border: 1px solid var(--parley-warn);
    color: var(--parley-warn);
    border-radius: 4px;
    padding: 0 3px;
  }
  .math[data-display] {
    display: block;
    overflow-x: auto;
    padding: 4px 0;
  }
  math {
    font-size: 1.1em;
  }
  :is(msup, msub) > :nth-child(2),
  msubsup > :nth-child(n + 2),
  :is(munder, mover) > :nth-child(2),
  munderover > :nth-child(n + 2) {
    font-size: 0.75em;
  }
  .prose > .block:first-child > :first-child {
    margin-top: 0 !important;
  }
  .hl-keyword,
  .hl-literal,
  .hl-selector-tag,
  .hl-tag,
  .hl-built_in,
  .hl-type {
    color: var(--parley-code-keyword);
  }
  .hl-string,
  .hl-regexp,
  .hl-addition,
  .hl-attr {
    color: var(--parley-code-string);
  }
  .hl-number,
  .hl-symbol,
  .hl-variable,
  .hl-title {
    color: var(--parley-code-number);
  }
  .hl-comment,
  .hl-quote,
  .hl-meta {
    color: var(--parley-code-comment);
  }
  .hl-deletion {
    color: var(--parley-bad);
  }
  :lang(zh) em {
    font-style: normal;
    font-weight: 600;
  }
  :lang(zh) {
    line-height: 1.75;
  }
`;
