/** Dark or light: as the user chose, else as the system says. */
import { useSyncExternalStore } from "react";

const KEY = "pharos.theme";
export type Theme = "dark" | "light";

export function currentTheme(): Theme {
  const forced = new URLSearchParams(location.search).get("theme");
  if (forced === "dark" || forced === "light") return forced;
  const chosen = localStorage.getItem(KEY);
  if (chosen === "dark" || chosen === "light") return chosen;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

/** Fired on the window when the theme changes: charts draw on canvases, which do not see CSS change. */
export const THEME_EVENT = "pharos:theme";

function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
  window.dispatchEvent(new Event(THEME_EVENT));
}

/** Sets the theme and follows the system while the user has not chosen. */
export function startTheme(): void {
  applyTheme();
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", applyTheme);
}

export function toggleTheme(): void {
  localStorage.setItem(KEY, currentTheme() === "dark" ? "light" : "dark");
  applyTheme();
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(THEME_EVENT, listener);
  return () => window.removeEventListener(THEME_EVENT, listener);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, currentTheme);
}
