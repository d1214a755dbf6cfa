import type { ReactNode } from "react";
import { Icon } from "../kit/icon.tsx";
import { Link } from "./link.tsx";
import { useLocation } from "./router.ts";
import { toggleTheme, useTheme } from "./theme.ts";

const ICONS: Record<string, ReactNode> = {
  flow: (
    <>
      <circle cx="5" cy="12" r="2.5" />
      <circle cx="19" cy="6" r="2.5" />
      <circle cx="19" cy="18" r="2.5" />
      <path d="M7.5 12h3c3 0 3-6 6-6M10.5 12c3 0 3 6 6 6" />
    </>
  ),
  targets: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <circle cx="12" cy="12" r="4" />
      <circle cx="12" cy="12" r=".6" />
    </>
  ),
  alerts: <path d="M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15zM10 21h4" />,
  rules: <path d="M5 6h14M5 12h9M5 18h6M17 15l2 2 3-4" />,
  history: <path d="M4 12a8 8 0 1 0 2.5-5.800M4 4v4h4M12 8v4.500l3 2" />,
  routing: (
    <>
      <path d="M4 12h5c4 0 3-6 8-6h2M9 12c4 0 3 6 8 6h2M9 12h10" />
      <circle cx="4" cy="12" r="1.500" />
    </>
  ),
  explore: <path d="M4 19V5M4 19h16M7 15l4-5 3 3 5-7" />,
  dashboards: <path d="M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z" />,
  silences: <path d="M6 16V11a6 6 0 0 1 9-5.200M18 11v5l1.5 2h-15M10 21h4M3 3l18 18" />,
};

const ITEMS = [
  { href: "/", icon: "flow", title: "Flow" },
  { href: "/targets", icon: "targets", title: "Targets" },
  { href: "/rules", icon: "rules", title: "Rules" },
  { href: "/alerts", icon: "alerts", title: "Alerts" },
  { href: "/silences", icon: "silences", title: "Silences" },
  { href: "/history", icon: "history", title: "History" },
  { href: "/routing", icon: "routing", title: "Routing" },
  { href: "/explore", icon: "explore", title: "Explore" },
  { href: "/dashboards", icon: "dashboards", title: "Dashboards" },
];

function isCurrent(path: string, href: string): boolean {
  return href === "/" ? path === "/" : path.startsWith(href) || (href === "/dashboards" && path.startsWith("/d/"));
}

export function Nav({ openHelp }: { openHelp: () => void }) {
  const theme = useTheme();
  const { path } = useLocation();
  return (
    <nav className="nav" aria-label="Pages">
      <Link href="/" className="brand" aria-label="Pharos">
        <img src="/icon.svg" alt="" />
        <span>Pharos</span>
      </Link>
      {ITEMS.map(({ href, icon, title }) => (
        <Link
          key={href}
          href={href}
          className="item"
          aria-current={isCurrent(path, href) ? "page" : undefined}
          title={title}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            {ICONS[icon]}
          </svg>
          <span>{title}</span>
        </Link>
      ))}
      <div className="foot">
        <button
          type="button"
          className="button quiet"
          onClick={toggleTheme}
          title="Dark or light (T)"
          aria-label={theme === "dark" ? "Light theme" : "Dark theme"}
        >
          <Icon name={theme === "dark" ? "sun" : "moon"} />
        </button>
        <button type="button" className="button quiet" onClick={openHelp} title="Keyboard (?)" aria-label="Keyboard">
          ?
        </button>
      </div>
    </nav>
  );
}
