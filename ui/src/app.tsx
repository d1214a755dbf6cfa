import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { FlowPage } from "./flow/flow-page.tsx";
import { AlertsPage } from "./pages/alerts.tsx";
import { RulesPage } from "./pages/rules.tsx";
import { SilencesPage } from "./pages/silences.tsx";
import { TargetsPage } from "./pages/targets.tsx";
import { Nav } from "./shell/nav.tsx";
import { PageHead } from "./shell/page.tsx";
import { navigate, useLocation } from "./shell/router.ts";
import { toggleTheme } from "./shell/theme.ts";

const ExplorePage = lazy(() => import("./pages/explore.tsx"));
const DashboardsPage = lazy(() => import("./pages/dashboards.tsx"));
const DashboardPage = lazy(() => import("./dashboard/dashboard-page.tsx"));

/** `g` and a letter goes to a page. */
const KEYS: Record<string, string> = {
  f: "/",
  t: "/targets",
  r: "/rules",
  a: "/alerts",
  s: "/silences",
  e: "/explore",
  d: "/dashboards",
};

function useKeys(): void {
  useEffect(() => {
    let going = false;
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (
        target instanceof HTMLElement &&
        (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
      )
        return;
      if (going && KEYS[event.key]) navigate(KEYS[event.key]);
      else if (event.key === "t" && !going) toggleTheme();
      else if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>('input[type="search"]');
        if (search) {
          event.preventDefault();
          search.focus();
        }
      }
      going = event.key === "g";
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function pageOf(path: string): ReactNode {
  const board = /^\/d\/([^/]+)/.exec(path);
  if (board) return <DashboardPage uid={decodeURIComponent(board[1])} key={board[1]} />;
  switch (path) {
    case "/":
      return <FlowPage />;
    case "/targets":
      return <TargetsPage />;
    case "/rules":
      return <RulesPage />;
    case "/alerts":
      return <AlertsPage />;
    case "/silences":
      return <SilencesPage />;
    case "/explore":
      return <ExplorePage />;
    case "/dashboards":
      return <DashboardsPage />;
    default:
      return (
        <>
          <PageHead title="Not found" />
          <p className="note">There is no page {path}.</p>
        </>
      );
  }
}

export function App() {
  useKeys();
  const { path } = useLocation();
  return (
    <div className="shell">
      <Nav />
      <main>
        <Suspense fallback={<p className="note">Loading …</p>}>{pageOf(path)}</Suspense>
      </main>
    </div>
  );
}
