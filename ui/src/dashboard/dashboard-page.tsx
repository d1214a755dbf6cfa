/** A dashboard: variables, rows, panels; queries run when a panel comes into view. */
import { useEffect, useMemo, useState } from "react";
import { expandRepeats } from "../core/dashboard/layout.ts";
import { loadDashboard, saveDashboard } from "../core/dashboard/load.ts";
import type { Dashboard, Row } from "../core/dashboard/types.ts";
import { type JsonObject, string, strings } from "../core/json.ts";
import { interpolate, withScoped } from "../core/vars/interpolate.ts";
import { ALL } from "../core/vars/variables.ts";
import { getJson } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { useShortcuts } from "../shell/keys.ts";
import { Link } from "../shell/link.tsx";
import { Empty, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { type TimeRange, TimeRangePicker, useTimeRange, zoomTo } from "../shell/time-range.tsx";
import { PanelCard } from "./panel-card.tsx";
import { type Scope, useVariables } from "./use-variables.ts";
import { VariableControl } from "./variable-control.tsx";

/** A row's panels are mounted, and so queried, only while it is open. */
function RowView({ row, scope, range, board }: { row: Row; scope: Scope; range: TimeRange; board: Dashboard }) {
  const [open, setOpen] = useState(!row.collapsed);
  const values = useMemo(() => withScoped(scope.values, row.scoped), [scope.values, row.scoped]);
  return (
    <>
      {row.header && (
        <h2 className="board-row">
          <button type="button" className="button quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "▾" : "▸"} {interpolate(row.title, values) || "Row"}
          </button>
          {!open && <span className="sub">{row.panels.length} panels</span>}
        </h2>
      )}
      {open && row.panels.length > 0 && (
        <div className="board">
          {row.panels.map((panel) => (
            <PanelCard
              key={panel.key}
              panel={panel}
              values={scope.values}
              range={range}
              sharedCrosshair={board.sharedCrosshair}
              viewed={false}
              style={{
                gridColumn: `${panel.gridPos.x + 1} / span ${panel.gridPos.w}`,
                gridRow: `${panel.gridPos.y + 1} / span ${panel.gridPos.h}`,
              }}
            />
          ))}
        </div>
      )}
    </>
  );
}

/** Links of the dashboard to others by tag, or to any address. */
function BoardLinks({ board, scope }: { board: Dashboard; scope: Scope }) {
  const tagged = board.links.filter((link) => link.type === "dashboards").flatMap((link) => strings(link.tags));
  const { data } = usePoll(
    (signal) =>
      tagged.length === 0
        ? Promise.resolve([])
        : getJson<{ title: string; url: string; uid: string }[]>(
            `/api/search?${new URLSearchParams(tagged.map((tag) => ["tag", tag]))}`,
            { signal },
          ),
    0,
    [tagged.join(",")],
  );
  const direct = board.links
    .filter((link) => link.type === "link")
    .map((link) => ({ title: string(link.title), url: interpolate(string(link.url), scope.values, "url") }))
    .filter(({ url }) => /^(https?:\/\/|\/(?!\/))/.test(url));
  const all = [...direct, ...(data ?? []).filter(({ uid }) => uid !== board.uid)].slice(0, 12);
  if (all.length === 0) return null;
  return (
    <nav className="board-links" aria-label="Dashboard links">
      {all.map(({ title, url }) => (
        <Link key={url} href={url} className="button">
          {title}
        </Link>
      ))}
    </nav>
  );
}

interface BoardMeta {
  hasOriginal?: boolean;
}

/** Saves range and chosen variables as the dashboard's own; a saved one can give way to its original again. */
function SaveButtons(props: {
  board: Dashboard;
  meta: BoardMeta;
  scope: Scope | undefined;
  range: TimeRange;
  reload: () => void;
}) {
  const { board, meta, scope, range, reload } = props;
  const [state, setState] = useState<{ text: string; error?: string }>({ text: "Save" });
  const attempt = async (work: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await work();
      setState({ text: done });
      reload();
    } catch (error) {
      setState({ text: "Save", error: error instanceof Error ? error.message : String(error) });
    }
  };
  const save = (): Promise<unknown> => {
    const variables: Record<string, { text: string[]; value: string[] } | { text: string; value: string }> = {};
    for (const { variable, options, selected } of scope?.states ?? []) {
      const texts = selected.map((value) =>
        value === ALL ? "All" : (options.find((option) => option.value === value)?.text ?? value),
      );
      variables[variable.name] = variable.multi
        ? { text: texts, value: selected }
        : { text: texts[0] ?? "", value: selected[0] ?? "" };
    }
    const dashboard = saveDashboard(board, { from: range.raw.from, to: range.raw.to, variables });
    return getJson("/api/dashboards/db", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ dashboard }),
    });
  };
  const revert = (): Promise<unknown> =>
    getJson(`/api/dashboards/uid/${encodeURIComponent(board.uid)}`, { method: "DELETE" });
  return (
    <>
      <button
        type="button"
        className="button"
        title="Keeps the range and the chosen variables as the dashboard's own"
        onClick={() => void attempt(save, "Saved")}
      >
        {state.text}
      </button>
      {meta.hasOriginal && (
        <button
          type="button"
          className="button"
          title="Deletes the saved copy: the dashboard is again as it was provided"
          onClick={() => void attempt(revert, "Save")}
        >
          Revert
        </button>
      )}
      {state.error && (
        <span className="note is-error" role="alert">
          {state.error}
        </span>
      )}
    </>
  );
}

/** Grafana's keys. */
function useBoardShortcuts({ from, to }: TimeRange): void {
  const span = to - from;
  useShortcuts([
    { keys: "t ArrowLeft", title: "Earlier", run: () => zoomTo(from - span / 2, to - span / 2) },
    { keys: "t ArrowRight", title: "Later", run: () => zoomTo(from + span / 2, to + span / 2) },
    { keys: "t z", title: "Zoom out", run: () => zoomTo(from - span / 2, Math.min(Date.now(), to + span / 2)) },
    { keys: "t +", title: "Zoom in", run: () => zoomTo(from + span / 4, to - span / 4) },
    {
      keys: "d k",
      title: "Panels alone (kiosk)",
      run: () => setParams({ kiosk: new URLSearchParams(location.search).has("kiosk") ? undefined : "1" }),
    },
    { keys: "Escape", title: "Back to all panels", run: () => setParams({ viewPanel: undefined }) },
  ]);
}

function LoadedBoard({ board, meta, reload }: { board: Dashboard; meta: BoardMeta; reload: () => void }) {
  const { params } = useLocation();
  const range = useTimeRange({ from: board.from, to: board.to, refresh: board.refresh });
  const scope = useVariables(board, params, range);
  useBoardShortcuts(range);
  const rows = useMemo(() => (scope ? expandRepeats(board.rows, scope.values) : []), [board, scope]);
  const viewId = Number(/\d+$/.exec(params.get("viewPanel") ?? "")?.[0] ?? 0);
  const viewed = rows.flatMap((row) => row.panels).find((panel) => panel.id === viewId);
  const errors = scope?.states.filter(({ error }) => error !== "") ?? [];
  const kiosk = params.has("kiosk");
  useEffect(() => {
    document.documentElement.classList.toggle("kiosk", kiosk);
    return () => document.documentElement.classList.remove("kiosk");
  }, [kiosk]);
  return (
    <>
      <PageHead title={board.title} sub={board.tags.join(", ") || undefined}>
        <TimeRangePicker range={range} />
        <SaveButtons board={board} meta={meta} scope={scope} range={range} reload={reload} />
      </PageHead>
      {board.problems.map((problem) => (
        <p key={problem} className="note is-warning">
          {problem}
        </p>
      ))}
      {errors.map(({ variable, error }) => (
        <p key={variable.name} className="note is-error" role="alert">
          Variable {variable.label}: {error}
        </p>
      ))}
      {scope && (
        <div className="variables">
          {scope.states
            .filter(({ variable }) => variable.hide !== "all")
            .map((state) => (
              <VariableControl key={state.variable.name} state={state} />
            ))}
          <BoardLinks board={board} scope={scope} />
        </div>
      )}
      {!scope && <Empty loading>.</Empty>}
      {scope && viewId > 0 && (
        <div className="board-alone">
          {viewed ? (
            <PanelCard panel={viewed} values={scope.values} range={range} sharedCrosshair={false} viewed />
          ) : (
            <Empty>The dashboard has no panel {viewId}.</Empty>
          )}
        </div>
      )}
      {scope &&
        viewId === 0 &&
        rows.map((row) => <RowView key={row.key} row={row} scope={scope} range={range} board={board} />)}
    </>
  );
}

/** `uid` as the URL has it, percent-encoded. */
export default function DashboardPage({ uid }: { uid: string }) {
  const { data, error, refresh } = usePoll(
    (signal) => getJson<{ dashboard: JsonObject; meta: BoardMeta }>(`/api/dashboards/uid/${uid}`, { signal }),
    0,
    [uid],
  );
  const board = useMemo(() => data && loadDashboard(data.dashboard), [data]);
  if (!board || !data) {
    return (
      <>
        <PageHead title="Dashboard" />
        <Empty error={error} loading>
          .
        </Empty>
      </>
    );
  }
  return <LoadedBoard board={board} meta={data.meta} reload={refresh} />;
}
