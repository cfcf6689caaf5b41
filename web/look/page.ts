/** How the chat page is laid out: the list beside the conversation, or above it on a phone. */

import { css } from "lit";

export const page = css`
  :host {
    display: block;
    font: 16px/1.6 var(--parley-font);
    color: var(--parley-text);
  }
  .page {
    display: grid;
    grid-template-columns: 280px minmax(0, 1fr);
    height: 100dvh;
  }
  aside {
    display: flex;
    flex-direction: column;
    min-height: 0;
    background: var(--parley-surface);
    border-inline-end: 1px solid var(--parley-border);
  }
  aside header,
  main header {
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 8px 12px;
    min-height: 52px;
  }
  aside header strong {
    flex: 1;
    font-size: 18px;
  }
  parley-list {
    flex: 1;
  }
  aside footer {
    padding: 8px 12px max(8px, env(safe-area-inset-bottom));
    border-top: 1px solid var(--parley-border);
    font-size: 14px;
  }
  aside footer details > div {
    display: grid;
    gap: 8px;
    padding: 8px 0;
  }
  aside footer label {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
  }
  summary {
    cursor: pointer;
  }
  main {
    display: flex;
    flex-direction: column;
    min-height: 0;
    min-width: 0;
  }
  main header {
    flex-wrap: wrap;
    border-bottom: 1px solid var(--parley-border);
    font-size: 14px;
  }
  main header h2 {
    flex: 1 1 8rem;
    min-width: 0;
    margin: 0;
    font-size: 16px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  main header select {
    max-width: 11rem;
    border-color: var(--parley-border);
  }
  parley-pane {
    flex: 1;
  }
  .narrow {
    display: none;
  }
  @media (max-width: 760px) {
    .page {
      grid-template-columns: minmax(0, 1fr);
    }
    .narrow {
      display: inline-flex;
    }
    aside {
      position: fixed;
      inset: 0 auto 0 0;
      z-index: 3;
      width: min(20rem, 86vw);
      visibility: hidden;
      transform: translateX(-100%);
      transition:
        transform var(--parley-quick),
        visibility var(--parley-quick);
    }
    :host(:dir(rtl)) aside {
      inset: 0 0 0 auto;
      transform: translateX(100%);
    }
    .page.listing aside {
      visibility: visible;
      transform: none;
      box-shadow: 0 0 40px rgb(0 0 0 / 0.4);
    }
    main header select {
      max-width: 8.5rem;
    }
  }
`;
