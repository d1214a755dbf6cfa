import { useEffect, useRef } from "react";
import { activeShortcuts } from "./keys.ts";

const NAMES: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

/** The keyboard shortcuts that work on the page behind. */
export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="help card" onClose={close} aria-labelledby="help-title">
      <h2 id="help-title">Keyboard</h2>
      <dl>
        {activeShortcuts().map(({ keys, title }) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" className="button">
          Close
        </button>
      </form>
    </dialog>
  );
}
