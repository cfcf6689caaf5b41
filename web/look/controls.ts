/** How buttons, fields and links look, in every shadow root. */

import { css } from "lit";

export const reset = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  :focus-visible {
    outline: 2px solid var(--parley-accent);
    outline-offset: 2px;
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;

export const controls = css`
  button,
  .button {
    font: inherit;
    color: inherit;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: 32px;
    padding: 4px 12px;
    border: 1px solid var(--parley-edge);
    border-radius: 8px;
    background: var(--parley-bg);
    cursor: pointer;
    text-decoration: none;
    transition: background var(--parley-quick);
  }
  button:hover:not(:disabled),
  .button:hover {
    background: var(--parley-raised);
  }
  button:disabled {
    opacity: 0.55;
    cursor: default;
  }
  button.main {
    background: var(--parley-accent);
    border-color: var(--parley-accent);
    color: var(--parley-on-accent);
  }
  button.main:hover:not(:disabled) {
    background: color-mix(in srgb, var(--parley-accent) 88%, var(--parley-text));
  }
  button.bare {
    border-color: transparent;
    background: transparent;
  }
  button.bare:hover:not(:disabled) {
    background: var(--parley-raised);
  }
  button.icon {
    padding: 4px;
    min-width: 32px;
  }
  button.bad {
    color: var(--parley-bad);
  }
  input,
  select,
  textarea {
    font: inherit;
    color: inherit;
    background: var(--parley-bg);
    border: 1px solid var(--parley-edge);
    border-radius: 8px;
    padding: 6px 10px;
    min-height: 32px;
  }
  ::placeholder {
    color: var(--parley-muted);
    opacity: 1;
  }
  a {
    color: var(--parley-accent);
  }
  @media (pointer: coarse) {
    button,
    .button,
    input,
    select {
      min-height: 44px;
    }
    button.icon {
      min-width: 44px;
    }
  }
`;
