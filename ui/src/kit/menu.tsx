import { type ReactNode, type RefObject, useEffect, useRef } from "react";

/** A button that opens a panel below it; a press elsewhere or Esc closes it. */
export function Menu(props: {
  summary: ReactNode;
  children: ReactNode;
  className?: string;
  title?: string;
  menu?: RefObject<HTMLDetailsElement | null>;
}) {
  const own = useRef<HTMLDetailsElement>(null);
  const menu = props.menu ?? own;
  useEffect(() => {
    const close = (event: Event): void => {
      const element = menu.current;
      if (!element?.open) return;
      const leaves =
        event instanceof KeyboardEvent ? event.key === "Escape" : !element.contains(event.target as Node | null);
      if (!leaves) return;
      element.open = false;
      if (event instanceof KeyboardEvent) element.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, [menu]);
  return (
    <details className={`multi ${props.className ?? ""}`} ref={menu} title={props.title}>
      <summary>{props.summary}</summary>
      <div className="menu">{props.children}</div>
    </details>
  );
}
