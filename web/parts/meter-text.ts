/** What the meter says. Pure: times are those of the server, so that a wrong clock here does no harm. */

import type { Limit, Usage } from "../client/index.js";
import { language, t } from "../words/index.js";

export type Tone = "calm" | "low" | "out";

export interface Line {
  text: string;
  tone: Tone;
}

/** Returns the line for the most pressing message cap, that of `model` before others; null if there is none. */
export function line(usage: Usage, model: string | null): Line | null {
  const caps = usage.limits.filter((one) => one.unit === "messages");
  const named = caps.filter((one) => one.model === model);
  const [cap] = (named.length ? named : caps).toSorted((a, b) => share(a) - share(b));
  return cap ? about(cap) : null;
}

function share(cap: Limit): number {
  return cap.cap === 0 ? 0 : cap.remaining / cap.cap;
}

function about(cap: Limit): Line {
  const model = cap.model ?? t("allModels");
  const at = time(cap.remaining > 0 ? cap.next_free_at : (cap.next_at ?? cap.next_free_at));
  const n = cap.remaining;
  if (n <= 0) return { text: at ? t("usedUpUntil", { model, at }) : t("usedUp", { model }), tone: "out" };
  if (n === 1 && at) return { text: t("lastUntil", { model, at }), tone: "low" };
  if (n <= 3 || share(cap) <= 0.2) {
    return { text: at ? t("leftMoreAt", { n, model, at }) : t("left", { n, model }), tone: "low" };
  }
  return { text: t("left", { n, model }), tone: "calm" };
}

/** Returns the time of day of an RFC 3339 time, with the day if that is another. */
export function time(text: string | null | undefined): string | null {
  if (!text) return null;
  const at = new Date(text);
  const day = at.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
  const format = { hour: "2-digit", minute: "2-digit", ...day } as Intl.DateTimeFormatOptions;
  return new Intl.DateTimeFormat(language(), format).format(at);
}

/** Returns how long some seconds are. */
export function until(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  if (minutes < 60) return t("minutes", { m: minutes });
  return t("hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

/** Returns one line of the list of all limits. */
export function row(cap: Limit): string {
  const what = `${cap.model ?? t("allModels")} · ${cap.unit}`;
  const window = cap.window_seconds ? ` ${t("everyHours", { h: +(cap.window_seconds / 3600).toFixed(1) })}` : "";
  const used = t("ofCap", { used: cap.used + cap.held, cap: cap.cap });
  const frees = cap.used && cap.next_free_at ? ` · ${t("freesAt", { at: time(cap.next_free_at) ?? "" })}` : "";
  return `${what}${window}: ${used}${frees}`;
}
