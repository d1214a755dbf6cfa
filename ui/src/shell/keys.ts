/** Keyboard shortcuts: one listener, pages add theirs while they are shown; off while one types. */
import { useEffect, useRef } from "react";

export interface Shortcut {
  /** A key, or two pressed one after the other: "/", "g f", "t ArrowLeft". */
  keys: string;
  title: string;
  run: () => void;
}

/** Two keys belong together when they follow each other within this time. */
const PAIR_MS = 1200;

const active = new Set<{ current: readonly Shortcut[] }>();
let before = { key: "", at: 0 };

/** All shortcuts of the page that is shown, for the help. */
export function activeShortcuts(): Shortcut[] {
  return [...active].flatMap(({ current }) => current);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest("input, select, textarea, [contenteditable], dialog[open]") !== null
  );
}

function press(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  const pair = event.timeStamp - before.at < PAIR_MS ? `${before.key} ${event.key}` : "";
  const all = activeShortcuts();
  // A key that may start a pair waits for its second one.
  const found = all.find(({ keys }) => keys === pair) ?? all.find(({ keys }) => keys === event.key);
  before = { key: found ? "" : event.key, at: event.timeStamp };
  if (!found) return;
  event.preventDefault();
  found.run();
}

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    if (active.size === 0) window.addEventListener("keydown", press);
    active.add(latest);
    return () => {
      active.delete(latest);
      if (active.size === 0) window.removeEventListener("keydown", press);
    };
  }, []);
}
