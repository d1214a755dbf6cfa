/** A dashboard: variables, rows, panels; queries run when a panel comes into view. */
import { type CSSProperties, useEffect, useMemo, useRef, useState } from "react";
import { getJson } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Link } from "../shell/link.tsx";
import { Empty, PageHead } from "../shell/page.tsx";
import { navigate, useLocation } from "../shell/router.ts";
import { type TimeRange, TimeRangePicker, useTimeRange } from "../shell/time-range.tsx";
import { type Board, type Json, type Panel, type Row, readBoard, type Variable } from "./model.ts";
import { builtIns, loadPanel, type PanelData } from "./panel-data.ts";
import { drawPanel, isKnown, TextPanel } from "./panels.tsx";
import { ALL, chosenValues, interpolate, optionsOf, type Scope } from "./variables.ts";

/** Values of all variables; later ones may depend on earlier ones. */
function useScope(board: Board | undefined, range: TimeRange): { scope: Scope | undefined; error: string } {
  const { params } = useLocation();
  const chosen = [...params]
    .filter(([name]) => name.startsWith("var-"))
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join("&");
  const [state, setState] = useState<{ scope: Scope | undefined; error: string }>({ scope: undefined, error: "" });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the parameters' text stands for them
  useEffect(() => {
    if (!board) return;
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      const scope = { values: {}, options: {}, allValues: {}, builtIn: builtIns(range.from, range.to, 15) } as Scope & {
        values: Record<string, string[]>;
        options: Record<string, string[]>;
        allValues: Record<string, string | undefined>;
      };
      let error = "";
      for (const variable of board.variables) {
        let options: string[] = [];
        try {
          options = await optionsOf(
            variable,
            scope,
            { start: String(range.from / 1000), end: String(range.to / 1000) },
            abort.signal,
          );
        } catch (failure) {
          if (abort.signal.aborted) return;
          error = `variable ${variable.name}: ${failure instanceof Error ? failure.message : String(failure)}`;
        }
        scope.options[variable.name] = options;
        scope.allValues[variable.name] = variable.allValue;
        scope.values[variable.name] = chosenValues(variable, options, params.getAll(`var-${variable.name}`));
      }
      if (!abort.signal.aborted) setState({ scope, error });
    };
    void load();
    return () => abort.abort();
  }, [board, chosen, range.raw.from, range.raw.to]);
  return state;
}

function choose(name: string, values: readonly string[]): void {
  const params = new URLSearchParams(location.search);
  params.delete(`var-${name}`);
  for (const value of values) params.append(`var-${name}`, value === ALL ? "All" : value);
  navigate(`${location.pathname}?${params}`);
}

function VariableControl({ variable, scope }: { variable: Variable; scope: Scope }) {
  const options = scope.options[variable.name] ?? [];
  const values = scope.values[variable.name] ?? [];
  if (variable.type === "textbox") {
    return (
      <label>
        <span>{variable.label}</span>
        <input defaultValue={values[0] ?? ""} onBlur={(event) => choose(variable.name, [event.target.value])} />
      </label>
    );
  }
  return (
    <label>
      <span>{variable.label}</span>
      <select
        value={values.length > 1 ? "\u0000" : (values[0] ?? "")}
        onChange={(event) => choose(variable.name, [event.target.value])}
      >
        {values.length > 1 && <option value={"\u0000"}>{values.join(" + ")}</option>}
        {variable.includeAll && <option value={ALL}>All</option>}
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
        {options.length === 0 && <option value="">(none)</option>}
      </select>
    </label>
  );
}

/** True once the element has come near the window. */
function useSeen(): [React.RefObject<HTMLDivElement | null>, boolean] {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element || seen) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && setSeen(true),
      { rootMargin: "300px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [seen]);
  return [ref, seen];
}

function PanelCard({
  panel,
  scope,
  range,
  style,
}: {
  panel: Panel;
  scope: Scope;
  range: TimeRange;
  style: CSSProperties;
}) {
  const [ref, seen] = useSeen();
  const [data, setData] = useState<PanelData>();
  const [error, setError] = useState("");
  const queries = panel.targets.length > 0 && isKnown(panel.type) && panel.type !== "text";
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the range moves
  useEffect(() => {
    if (!seen || !queries) return;
    const abort = new AbortController();
    loadPanel(panel, scope, range.from, range.to, abort.signal)
      .then((loaded) => {
        setData(loaded);
        setError("");
      })
      .catch((failure: unknown) => {
        if (!abort.signal.aborted) setError(failure instanceof Error ? failure.message : String(failure));
      });
    return () => abort.abort();
  }, [seen, panel, scope, range.from, range.to, range.version]);
  const title = interpolate(panel.title, scope);
  const body = (() => {
    if (panel.type === "text")
      return <TextPanel panel={panel} text={interpolate(String(panel.options.content ?? ""), scope)} />;
    if (!isKnown(panel.type))
      return (
        <p className="note">Panels of type “{panel.type}” are not shown yet. Its queries and settings are kept.</p>
      );
    if (error) return <Empty error={error}>.</Empty>;
    if (!queries) return <p className="note">This panel has no Prometheus query.</p>;
    if (!data) return <p className="note">Loading …</p>;
    if (data.series.length === 0) return <p className="note">No data. The query selects nothing in this range.</p>;
    return drawPanel({ panel, data });
  })();
  return (
    <section ref={ref} className="card panel" style={style} aria-label={title || panel.type}>
      {title && (
        <div className="panel-title" title={panel.description || undefined}>
          {title}
          {panel.targets[0] && (
            <Link
              className="hint"
              href={`/explore?g0.expr=${encodeURIComponent(interpolate(panel.targets[0].expr, { ...scope, builtIn: { ...scope.builtIn, ...builtIns(range.from, range.to, 15) } }))}&g0.tab=0`}
              title="Explore this query"
              aria-label={`Explore ${title}`}
            >
              ⌕
            </Link>
          )}
        </div>
      )}
      <div className="panel-body">{body}</div>
    </section>
  );
}

/** Panels and rows from top to bottom; panels of a closed row are left out and the rest moves up. */
function arrange(
  board: Board,
  closed: ReadonlySet<string>,
): { rows: (Row & { at: number })[]; panels: { panel: Panel; at: number }[] } {
  const rows = [...board.rows].sort((a, b) => a.y - b.y);
  const out: ReturnType<typeof arrange> = { rows: [], panels: [] };
  let shift = 0;
  const sections = [
    { row: undefined as Row | undefined, from: Number.NEGATIVE_INFINITY, to: rows[0]?.y ?? Number.POSITIVE_INFINITY },
    ...rows.map((row, i) => ({ row, from: row.y, to: rows[i + 1]?.y ?? Number.POSITIVE_INFINITY })),
  ];
  for (const { row, from, to } of sections) {
    const inside = board.panels.filter(({ grid }) => grid.y >= from && grid.y < to);
    const top = row ? row.y : Math.min(0, ...inside.map(({ grid }) => grid.y));
    const height = Math.max(0, ...inside.map(({ grid }) => grid.y + grid.h - top - (row ? 1 : 0)));
    if (row) out.rows.push({ ...row, at: row.y - shift });
    if (row && closed.has(row.title)) shift += height;
    else for (const panel of inside) out.panels.push({ panel, at: panel.grid.y - shift });
  }
  return out;
}

function Grid({ board, scope, range }: { board: Board; scope: Scope; range: TimeRange }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(
    () => new Set(board.rows.filter(({ collapsed }) => collapsed).map(({ title }) => title)),
  );
  const { rows, panels } = arrange(board, closed);
  const toggle = (title: string): void => {
    const next = new Set(closed);
    if (!next.delete(title)) next.add(title);
    setClosed(next);
  };
  return (
    <div className="board">
      {rows.map((row) => (
        <div key={row.title + row.y} className="board-row" style={{ gridRow: `${row.at + 1} / span 1` }}>
          <button
            type="button"
            className="button quiet"
            aria-expanded={!closed.has(row.title)}
            onClick={() => toggle(row.title)}
          >
            {closed.has(row.title) ? "▸" : "▾"} {interpolate(row.title, scope)}
          </button>
        </div>
      ))}
      {panels.map(({ panel, at }) => (
        <PanelCard
          key={`${panel.id} ${panel.title} ${panel.grid.x} ${panel.grid.y}`}
          panel={panel}
          scope={scope}
          range={range}
          style={{
            gridColumn: `${panel.grid.x + 1} / span ${Math.min(24, panel.grid.w)}`,
            gridRow: `${at + 1} / span ${panel.grid.h}`,
          }}
        />
      ))}
    </div>
  );
}

function LoadedBoard({ board }: { board: Board }) {
  const range = useTimeRange({ ...board.time, refresh: board.refresh || "" });
  const { scope, error } = useScope(board, range);
  const shown = board.variables.filter(({ hidden, type }) => !hidden && type !== "adhoc" && !(type === "datasource"));
  return (
    <>
      <PageHead title={board.title}>
        <TimeRangePicker range={range} />
      </PageHead>
      {error && (
        <p className="note is-error" role="alert">
          {error}
        </p>
      )}
      {shown.length > 0 && scope && (
        <div className="variables">
          {shown.map((variable) => (
            <VariableControl key={variable.name} variable={variable} scope={scope} />
          ))}
        </div>
      )}
      {scope ? <Grid board={board} scope={scope} range={range} /> : <Empty loading>.</Empty>}
      {board.panels.length === 0 && <p className="note">This dashboard has no panels.</p>}
    </>
  );
}

export default function DashboardPage({ uid }: { uid: string }) {
  const { data, error } = usePoll(
    (signal) => getJson<{ dashboard: Json }>(`/api/dashboards/uid/${encodeURIComponent(uid)}`, { signal }),
    0,
    [uid],
  );
  const board = useMemo(() => data && readBoard(data.dashboard), [data]);
  if (!board) {
    return (
      <>
        <PageHead title="Dashboard" />
        <Empty error={error} loading>
          .
        </Empty>
      </>
    );
  }
  return <LoadedBoard board={board} />;
}
