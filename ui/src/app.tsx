import { lazy, type ReactNode, Suspense, useState } from "react";
import { FlowPage } from "./flow/flow-page.tsx";
import { AlertsPage } from "./pages/alerts.tsx";
import { HistoryPage } from "./pages/history.tsx";
import { RoutingPage } from "./pages/routing.tsx";
import { RulesPage } from "./pages/rules.tsx";
import { SilencesPage } from "./pages/silences.tsx";
import { TargetsPage } from "./pages/targets.tsx";
import { ErrorBoundary } from "./shell/error-boundary.tsx";
import { Help } from "./shell/help.tsx";
import { useShortcuts } from "./shell/keys.ts";
import { Nav } from "./shell/nav.tsx";
import { PageHead } from "./shell/page.tsx";
import { navigate, useLocation } from "./shell/router.ts";
import { toggleTheme } from "./shell/theme.ts";

const ExplorePage = lazy(() => import("./pages/explore.tsx"));
const DashboardsPage = lazy(() => import("./pages/dashboards.tsx"));
const DashboardPage = lazy(() => import("./dashboard/dashboard-page.tsx"));

/** `g` and a letter goes to a page. */
const PAGES: readonly (readonly [key: string, path: string, title: string])[] = [
  ["f", "/", "Flow"],
  ["t", "/targets", "Targets"],
  ["r", "/rules", "Rules"],
  ["a", "/alerts", "Alerts"],
  ["s", "/silences", "Silences"],
  ["h", "/history", "History"],
  ["o", "/routing", "Routing"],
  ["e", "/explore", "Explore"],
  ["d", "/dashboards", "Dashboards"],
];

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('input[type="search"]')?.focus();
}

function pageOf(path: string): ReactNode {
  const board = /^\/d\/([^/]+)/.exec(path);
  if (board) return <DashboardPage uid={board[1]} key={board[1]} />;
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
    case "/history":
      return <HistoryPage />;
    case "/routing":
      return <RoutingPage />;
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
  const [help, setHelp] = useState(false);
  useShortcuts([
    ...PAGES.map(([key, path, title]) => ({ keys: `g ${key}`, title, run: () => navigate(path) })),
    { keys: "/", title: "Search on this page", run: focusSearch },
    { keys: "T", title: "Dark or light", run: toggleTheme },
    { keys: "?", title: "These shortcuts", run: () => setHelp(true) },
  ]);
  const { path } = useLocation();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        To the page
      </a>
      <Nav openHelp={() => setHelp(true)} />
      <main id="main" tabIndex={-1}>
        <ErrorBoundary key={path} what="This page">
          <Suspense fallback={<p className="note">Loading …</p>}>{pageOf(path)}</Suspense>
        </ErrorBoundary>
      </main>
      {help && <Help close={() => setHelp(false)} />}
    </div>
  );
}
