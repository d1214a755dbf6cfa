/** A panel with its title, its menu of facts, its queries and the reason when it shows nothing. */
import { type CSSProperties, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import type { Panel } from "../core/dashboard/types.ts";
import { string } from "../core/json.ts";
import { interpolate, type Values, withScoped } from "../core/vars/interpolate.ts";
import { ErrorBoundary } from "../shell/error-boundary.tsx";
import { Link } from "../shell/link.tsx";
import { Empty } from "../shell/page.tsx";
import { setParams } from "../shell/router.ts";
import { type TimeRange, zoomTo } from "../shell/time-range.tsx";
import { drawPanel, isKnown } from "./panels/index.tsx";
import { loadPanel, type PanelData } from "./query.ts";

const AlertListPanel = lazy(() => import("./panels/alert-list-panel.tsx"));
const TextPanel = lazy(() => import("./panels/text-panel.tsx"));

/** Size of an element and whether it has come near the window. */
function useSeen(): [React.RefObject<HTMLDivElement | null>, boolean, { width: number; height: number } | undefined] {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  const [size, setSize] = useState<{ width: number; height: number }>();
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const near = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && setSeen(true),
      {
        rootMargin: "300px",
      },
    );
    const sized = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    near.observe(element);
    sized.observe(element);
    return () => {
      near.disconnect();
      sized.disconnect();
    };
  }, []);
  return [ref, seen, size];
}

export function PanelCard(props: {
  panel: Panel;
  values: Values;
  range: TimeRange;
  sharedCrosshair: boolean;
  viewed: boolean;
  style?: CSSProperties;
}) {
  const { panel, range, viewed, style } = props;
  const [ref, seen, size] = useSeen();
  const [data, setData] = useState<PanelData>();
  const [error, setError] = useState("");
  const [loading, setLoading] = useState(false);
  const scopedKey = JSON.stringify(panel.scoped);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text stands for the object
  const values = useMemo(() => withScoped(props.values, panel.scoped), [props.values, scopedKey]);
  const known = isKnown(panel.type);
  const hasQueries = panel.targets.some((target) => target.expr !== "" && !target.hidden);
  const asks = known && hasQueries;
  // The width only sets how many points are asked for: small changes must not ask again.
  const width = size ? Math.ceil(size.width / 200) * 200 : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the range moves
  useEffect(() => {
    if (!seen || !asks || width === 0) return;
    const abort = new AbortController();
    setLoading(true);
    loadPanel(panel, values, range, width, abort.signal)
      .then((loaded) => {
        setData(loaded);
        setError("");
        setLoading(false);
      })
      .catch((failure: unknown) => {
        if (abort.signal.aborted) return;
        setError(failure instanceof Error ? failure.message : String(failure));
        setLoading(false);
      });
    return () => abort.abort();
  }, [seen, asks, width, panel.source, values, range.from, range.to, range.version]);
  const title = interpolate(panel.title, values);
  const view = useMemo(() => ({ ...panel, title }), [panel, title]);
  const span = range.to - range.from;
  const body = (() => {
    if (panel.type === "text") {
      return (
        <Suspense fallback={<p className="note">Loading …</p>}>
          <TextPanel panel={panel} values={values} />
        </Suspense>
      );
    }
    if (panel.type === "alertlist") {
      return (
        <Suspense fallback={<p className="note">Loading …</p>}>
          <AlertListPanel panel={panel} values={values} />
        </Suspense>
      );
    }
    if (panel.type === "logs")
      return <p className="note">Logs need a log store such as Loki as data source; none is configured.</p>;
    if (!known) {
      return (
        <p className="note" data-testid="unknown-panel">
          Panels of type “{panel.type || "none"}” are not drawn. The panel's queries and settings are kept in the
          dashboard.
        </p>
      );
    }
    if (error) return <Empty error={error}>.</Empty>;
    if (!hasQueries) return <p className="note">This panel has no Prometheus query.</p>;
    if (!data || !size) return <p className="note">Loading …</p>;
    if (data.frames.every((frame) => frame.length === 0)) {
      return <p className="note">{data.notes[0] ?? "No data. The queries select nothing in this range."}</p>;
    }
    return drawPanel({
      panel: view,
      data,
      values,
      ...size,
      syncKey: props.sharedCrosshair ? "dashboard" : undefined,
      zoomOut: () => zoomTo(range.from - span / 2, Math.min(Date.now(), range.to + span / 2)),
    });
  })();
  const expr = data?.sent[0]?.expr;
  return (
    <article
      className={`card panel${panel.transparent ? " transparent" : ""}${loading && data ? " is-loading" : ""}`}
      style={style}
      aria-label={title || panel.type}
      aria-busy={loading}
      data-testid="panel"
      data-panel-type={panel.type}
    >
      <div className="panel-title">
        <span className="panel-name">{title}</span>
        {panel.description && (
          <span
            className="hint is-info"
            title={interpolate(panel.description, values)}
            role="img"
            aria-label={interpolate(panel.description, values)}
          >
            i
          </span>
        )}
        {data && data.notes.length > 0 && (
          <span className="hint is-warning" role="img" title={data.notes.join("\n")} aria-label={data.notes.join(". ")}>
            !
          </span>
        )}
        <span className="panel-tools">
          {panel.links.slice(0, 2).map((link) => {
            const url = interpolate(string(link.url), values, "url");
            return /^(https?:\/\/|\/(?!\/))/.test(url) ? (
              <Link key={url} href={url} title={string(link.title)}>
                {string(link.title) || "link"}
              </Link>
            ) : null;
          })}
          {expr && (
            <Link
              href={`/explore?${new URLSearchParams({ "g0.expr": expr, "g0.tab": "0", from: range.raw.from, to: range.raw.to })}`}
              title="Explore this query"
              aria-label={`Explore ${title}`}
            >
              ⌕
            </Link>
          )}
          <button
            type="button"
            title={viewed ? "Back to the dashboard" : "View alone"}
            aria-label={viewed ? "Back to the dashboard" : `View ${title} alone`}
            onClick={() => setParams({ viewPanel: viewed ? undefined : String(panel.id) })}
          >
            {viewed ? "✕" : "⤢"}
          </button>
        </span>
      </div>
      <div className="panel-body" ref={ref}>
        <ErrorBoundary what="This panel">{body}</ErrorBoundary>
      </div>
    </article>
  );
}
