/** How a conversation is laid out. */

import { css } from "lit";

export const pane = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    min-width: 0;
    position: relative;
    background: var(--parley-bg);
    color: var(--parley-text);
    font: 16px/1.6 var(--parley-font);
  }
  .log {
    flex: 1;
    min-height: 0;
    overflow-y: auto;
    overflow-anchor: none;
    overscroll-behavior: contain;
    padding: 16px;
  }
  .log.reading {
    overflow-anchor: auto;
  }
  .log:focus-visible {
    outline-offset: -2px;
  }
  .column {
    width: 100%;
    max-width: var(--parley-column);
    margin: 0 auto;
    position: relative;
  }
  .foot {
    padding: 0 16px max(8px, env(safe-area-inset-bottom));
  }
  .standing {
    font-size: 14px;
    line-height: 24px;
    color: var(--parley-warn);
  }
  .notice {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
    font-size: 14px;
    padding: 8px 12px;
    margin-bottom: 8px;
    border-radius: 10px;
    background: var(--parley-surface);
  }
  .notice span {
    flex: 1 1 16rem;
  }
  .notice.warn {
    background: var(--parley-warn-soft);
    color: var(--parley-warn);
  }
  .notice.bad {
    background: var(--parley-bad-soft);
    color: var(--parley-bad);
  }
  .notice button {
    font-size: 14px;
    color: var(--parley-text);
  }
  .down {
    position: absolute;
    inset-block-start: -44px;
    inset-inline: 0;
    width: fit-content;
    margin: 0 auto;
    border-radius: 18px;
    font-size: 14px;
  }
  .older {
    display: flex;
    margin: 0 auto 8px;
    font-size: 14px;
  }
  .welcome {
    padding: 8vh 0 16px;
  }
  .welcome h1 {
    font-size: 28px;
    line-height: 1.3;
    margin: 0 0 4px;
  }
  .welcome p {
    margin: 0 0 16px;
  }
  .summary,
  .stored {
    color: var(--parley-muted);
  }
  .stored {
    font-size: 13px;
  }
  .greeting {
    font-size: 18px;
  }
  .starters {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr));
    gap: 8px;
    margin-bottom: 24px;
  }
  .starters button {
    justify-content: flex-start;
    text-align: start;
    padding: 10px 14px;
    border-color: var(--parley-border);
    border-radius: 12px;
  }
`;
