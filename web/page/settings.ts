/** What people choose for this browser: the look and the language. */

export type Theme = "auto" | "light" | "dark";

const THEME = "parley-theme";
const LANGUAGE = "parley-language";

export function theme(): Theme {
  const stored = localStorage.getItem(THEME);
  return stored === "light" || stored === "dark" ? stored : "auto";
}

/** Shows the page in a theme, now and from now on. */
export function setTheme(wanted: Theme): void {
  if (wanted === "auto") localStorage.removeItem(THEME);
  else localStorage.setItem(THEME, wanted);
  showTheme();
}

export function showTheme(): void {
  const wanted = theme();
  if (wanted === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
}

/** Returns the languages that are wanted, the preferred one first. */
export function languages(): readonly string[] {
  const chosen = localStorage.getItem(LANGUAGE);
  return chosen ? [chosen, ...navigator.languages] : navigator.languages;
}

/** Speaks another language; the page begins anew. */
export function setLanguage(wanted: string): void {
  localStorage.setItem(LANGUAGE, wanted);
  location.reload();
}
