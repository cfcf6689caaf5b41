/** Small pictures for buttons; what they mean is said beside them or in `aria-label`. */

import { html, type TemplateResult } from "lit";

const PATHS = {
  copy: "M8 8V4h12v12h-4M4 8h12v12H4z",
  retry: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  previous: "M14 6l-6 6 6 6",
  next: "M10 6l6 6-6 6",
  menu: "M4 6h16M4 12h16M4 18h16",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1",
} as const;

export function icon(name: keyof typeof PATHS): TemplateResult {
  return html`<svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
