/** Ask Prometheus: expressions, a graph or a table. The URL has the form of Prometheus' own page (g0.expr, g0.tab). */
import { useEffect, useMemo, useRef, useState } from "react";
import { seriesText as seriesName } from "../core/frames/prometheus.ts";
import { type MatrixRow, type QueryData, rowText, toGrid, uniqueNames, type VectorRow } from "../core/grid.ts";
import { formatSeconds, parseInterval, roundStep } from "../core/time.ts";
import { type ApiNotes, askPrometheus } from "../data/http.ts";
import { Empty, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { type TimeRange, TimeRangePicker, useTimeRange, zoomTo } from "../shell/time-range.tsx";
import { TimeSeries } from "../viz/time-series.tsx";
import { Editor } from "./editor.tsx";

const GRAPH_POINTS = 300;
/** More rows than anybody reads would only make the page slow. */
const MAX_ROWS = 1_000;
const MAX_LINES = 200;

interface Answer {
  data: QueryData;
  notes: ApiNotes;
  start: number;
  end: number;
  step: number;
  ms: number;
}

async function ask(expr: string, graph: boolean, range: TimeRange, step: number, signal: AbortSignal): Promise<Answer> {
  const started = performance.now();
  const end = Math.floor(range.to / 1000 / step) * step;
  const start = Math.ceil(range.from / 1000 / step) * step;
  const params: Record<string, string> = graph
    ? { query: expr, start: String(start), end: String(end), step: String(step) }
    : { query: expr, time: String(range.to / 1000) };
  const { data, notes } = await askPrometheus<QueryData>(
    graph ? "/api/v1/query_range" : "/api/v1/query",
    params,
    signal,
  );
  return { data, notes, start, end, step, ms: performance.now() - started };
}

function Notes({ notes }: { notes: ApiNotes }) {
  return (
    <>
      {notes.warnings?.map((text) => (
        <p key={text} className="note is-warning">
          {text}
        </p>
      ))}
      {notes.infos?.map((text) => (
        <p key={text} className="note">
          {text}
        </p>
      ))}
    </>
  );
}

function Graph({ answer, expr }: { answer: Answer; expr: string }) {
  const { data, start, end, step } = answer;
  const rows = data.resultType === "matrix" ? data.result : [];
  const { times, series } = useMemo(() => {
    const frame = toGrid(rows.slice(0, MAX_LINES), start, end, step);
    const names = uniqueNames(frame.rows.map(({ metric }) => seriesName(metric)));
    return { times: frame.times, series: frame.rows.map(({ values }, i) => ({ name: names[i], values })) };
  }, [rows, start, end, step]);
  const histograms = rows.filter(({ values, histograms: found }) => !values?.length && found?.length).length;
  if (rows.length === 0) return <Empty>Nothing in this range.</Empty>;
  return (
    <>
      {rows.length > MAX_LINES && (
        <p className="note">
          Showing {MAX_LINES} of {rows.length} series; aggregate or select to see fewer.
        </p>
      )}
      {histograms > 0 && (
        <p className="note">
          {histograms} of the series are native histograms, which have no single value to draw: ask for one with
          histogram_quantile, histogram_avg or histogram_count, or look at the table.
        </p>
      )}
      <TimeSeries
        label={expr}
        times={times}
        series={series}
        height={380}
        range={{ from: start, to: end }}
        onZoom={zoomTo}
      />
    </>
  );
}

function Table({ answer }: { answer: Answer }) {
  const { data } = answer;
  if (data.resultType === "scalar" || data.resultType === "string") {
    return <p className="note">{data.result[1]}</p>;
  }
  const found = data.result as readonly (MatrixRow | VectorRow)[];
  const rows = found.map((row) => ({ name: seriesName(row.metric), value: rowText(row) }));
  if (rows.length === 0) return <Empty>The expression selects nothing at this time.</Empty>;
  return (
    <div className="result-table">
      <table>
        <thead>
          <tr>
            <th>Series</th>
            <th className="number">Value</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map(({ name, value }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat
            <tr key={`${name}${i}`}>
              <td>{name}</td>
              <td className="number" style={{ whiteSpace: "pre" }}>
                {value}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Panel({ index, range, onRemove }: { index: number; range: TimeRange; onRemove?: () => void }) {
  const { params } = useLocation();
  const expr = params.get(`g${index}.expr`) ?? "";
  const graph = params.get(`g${index}.tab`) !== "1";
  const [text, setText] = useState(expr);
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState("");
  const [loading, setLoading] = useState(false);
  const asked = useRef(0);
  useEffect(() => setText(expr), [expr]);
  const chosen = parseInterval(params.get(`g${index}.step_input`) ?? "");
  const step = chosen ? chosen / 1000 : roundStep(range.to - range.from, GRAPH_POINTS);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the range moves
  useEffect(() => {
    if (expr.trim() === "") {
      setAnswer(undefined);
      setError("");
      return;
    }
    const abort = new AbortController();
    const turn = ++asked.current;
    setLoading(true);
    ask(expr, graph, range, step, abort.signal)
      .then((result) => {
        setAnswer(result);
        setError("");
      })
      .catch((failure: unknown) => {
        if (!abort.signal.aborted) setError(failure instanceof Error ? failure.message : String(failure));
      })
      .finally(() => turn === asked.current && setLoading(false));
    return () => abort.abort();
  }, [expr, graph, step, range.from, range.to, range.version]);
  const run = (): void => setParams({ [`g${index}.expr`]: text });
  const setStep = (value: string): void => setParams({ [`g${index}.step_input`]: value.trim() });
  const matches = answer && (answer.data.resultType === "matrix") === graph;
  const count = answer && Array.isArray(answer.data.result) ? answer.data.result.length : 0;
  return (
    <section className="card query" aria-label={`Query ${index + 1}`}>
      <div className="query-bar">
        <Editor value={text} onChange={setText} onRun={run} />
        <button type="button" className="button primary" onClick={run}>
          Run
        </button>
        {onRemove && (
          <button type="button" className="button" onClick={onRemove} aria-label="Remove this query">
            ✕
          </button>
        )}
      </div>
      <div className="query-bar">
        <button
          type="button"
          className="button"
          aria-pressed={graph}
          onClick={() => setParams({ [`g${index}.tab`]: "0" })}
        >
          Graph
        </button>
        <button
          type="button"
          className="button"
          aria-pressed={!graph}
          onClick={() => setParams({ [`g${index}.tab`]: "1" })}
        >
          Table
        </button>
        {graph && (
          <label className="step">
            Step
            <input
              key={params.get(`g${index}.step_input`) ?? ""}
              className="input"
              size={6}
              placeholder={formatSeconds(step)}
              defaultValue={params.get(`g${index}.step_input`) ?? ""}
              onKeyDown={(event) => event.key === "Enter" && setStep(event.currentTarget.value)}
              onBlur={(event) => setStep(event.target.value)}
            />
          </label>
        )}
        <span className="result-meta" style={{ marginLeft: "auto", alignSelf: "center" }} role="status">
          {loading && <span>asking …</span>}
          {matches && !loading && (
            <>
              <span>{count} series</span>
              <span>{Math.round(answer.ms)} ms</span>
              {graph && <span>every {formatSeconds(answer.step)}</span>}
            </>
          )}
        </span>
      </div>
      {error && (
        <p className="note is-error" role="alert">
          {error}
        </p>
      )}
      {matches && <Notes notes={answer.notes} />}
      {matches && (graph ? <Graph answer={answer} expr={expr} /> : <Table answer={answer} />)}
      {!answer && !error && <Empty loading={loading}>Type an expression and press Enter.</Empty>}
    </section>
  );
}

export default function ExplorePage() {
  const { params } = useLocation();
  const range = useTimeRange({ from: "now-1h", to: "now", refresh: "" });
  const indexes = [
    ...new Set([
      0,
      ...[...params.keys()]
        .map((name) => /^g(\d+)\.expr$/.exec(name)?.[1])
        .filter((index) => index !== undefined)
        .map(Number),
    ]),
  ].sort((a, b) => a - b);
  const next = Math.max(...indexes) + 1;
  return (
    <>
      <PageHead title="Explore" sub="PromQL">
        <TimeRangePicker range={range} />
      </PageHead>
      {indexes.map((index) => (
        <Panel
          key={index}
          index={index}
          range={range}
          onRemove={
            indexes.length > 1
              ? () => setParams({ [`g${index}.expr`]: undefined, [`g${index}.tab`]: undefined })
              : undefined
          }
        />
      ))}
      <button type="button" className="button" onClick={() => setParams({ [`g${next}.expr`]: " " })}>
        Add a query
      </button>
    </>
  );
}
