/** The URL is the state: pages read it and change it; nothing else remembers where one is. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function notify(): void {
  for (const listener of listeners) listener();
}
window.addEventListener("popstate", notify);

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  notify();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Path and query of the page, live. */
export function useLocation(): { path: string; params: URLSearchParams } {
  const href = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const mark = href.indexOf("?");
  return { path: mark < 0 ? href : href.slice(0, mark), params: new URLSearchParams(mark < 0 ? "" : href.slice(mark)) };
}

/** Changes parameters of the page; an undefined value removes one. */
export function setParams(changes: Readonly<Record<string, string | undefined>>, replace = false): void {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") params.delete(name);
    else params.set(name, value);
  }
  const query = params.toString();
  navigate(location.pathname + (query === "" ? "" : `?${query}`), { replace });
}
