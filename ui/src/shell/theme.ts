/** Dark or light: as the user chose, else as the system says. */
const KEY = "pharos.theme";
export type Theme = "dark" | "light";

export function currentTheme(): Theme {
  const forced = new URLSearchParams(location.search).get("theme");
  if (forced === "dark" || forced === "light") return forced;
  const chosen = localStorage.getItem(KEY);
  if (chosen === "dark" || chosen === "light") return chosen;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
}

export function toggleTheme(): void {
  localStorage.setItem(KEY, currentTheme() === "dark" ? "light" : "dark");
  applyTheme();
  // Charts draw on canvases, which do not see CSS change.
  window.dispatchEvent(new Event("pharos:theme"));
}
