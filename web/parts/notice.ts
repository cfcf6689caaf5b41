/** What is said of the connection. Pure. */

import type { Standing } from "../client/index.js";
import { t } from "../words/index.js";

/** Returns the line for how the connection stands at `now`, null if there is nothing to say. */
export function notice(standing: Standing, now: number): string | null {
  switch (standing.state) {
    case "none":
    case "open":
      return null;
    case "connecting":
      return t("connecting");
    case "restarting":
      return t("restarting");
    case "waiting": {
      if (typeof navigator !== "undefined" && navigator.onLine === false) return t("offline");
      const seconds = Math.ceil((standing.at - now) / 1000);
      return seconds > 0 ? t("reconnectingIn", { s: seconds }) : t("reconnecting");
    }
    case "stopped":
      if (standing.error.status === 401) return t("signInAgain");
      return standing.error.code === "account_suspended" ? t("suspended") : standing.error.message;
  }
}
