/**
 * A time series plot on uPlot: crosshair with values (shared by the plots of a page), drag to zoom, double click to zoom
 * out, a legend that isolates and reckons, thresholds, stacks, an axis per unit.
 */
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { REDUCERS, reduce } from "../core/frames/reduce.ts";
import { formatTicks, formatValue } from "../core/units.ts";
import { useTheme } from "../shell/theme.ts";
import { seriesColor } from "./colors.ts";
import { type PlotSeries, type Scale, scalesOf, stackValues } from "./plot-data.ts";
import { themeColor, withAlpha } from "./theme-colors.ts";

export type { PlotSeries } from "./plot-data.ts";

export interface PlotLegend {
  mode: "list" | "table";
  placement: "bottom" | "right";
  /** Reducer ids of the columns. */
  calcs: readonly string[];
  sortBy?: string;
  sortDesc?: boolean;
}

export interface PlotProps {
  /** Unix seconds. */
  times: readonly number[];
  series: readonly PlotSeries[];
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  thresholds?: readonly { value: number; color: string }[];
  thresholdStyle?: "line" | "area" | "line+area";
  legend?: boolean | PlotLegend;
  /** Height in px; the parent's when absent. */
  height?: number;
  /** Visible range in Unix seconds, also where there are no points. */
  range?: { from: number; to: number };
  onZoom?: (fromMs: number, toMs: number) => void;
  onZoomOut?: () => void;
  /** Plots of one group show their crosshairs at the same time. */
  syncKey?: string;
  tip?: "multi" | "single" | "none";
  label: string;
}

/** Ticks of units that count in powers of two. */
const BINARY_STEPS = Array.from({ length: 60 }, (_, power) => 2 ** power);
const BINARY_UNITS = new Set(["bytes", "kbytes", "mbytes", "gbytes", "binBps", "bits", "KiBs", "MiBs"]);

/** More rows in the tip would hide the plot. */
const TIP_ROWS = 14;
/** More entries in the legend are not drawn: a browser's tables become slow. */
const LEGEND_ROWS = 250;
const DEFAULT_LEGEND: PlotLegend = { mode: "list", placement: "bottom", calcs: [] };

interface Tip {
  left: number;
  top: number;
  flip: boolean;
  time: number;
  index: number;
  nearest: number;
}

function scaleRange(scale: Scale): uPlot.Scale.Range {
  return (_chart, low, high) => {
    if (scale.log !== undefined)
      return uPlot.rangeLog(low > 0 ? low : 0.001, high > 0 ? high : 1, scale.log === 2 ? 2 : 10, true);
    const bottom = scale.min ?? (scale.stacked ? Math.min(0, low) : low);
    const top = scale.max ?? high;
    if (!Number.isFinite(bottom) || !Number.isFinite(top) || bottom === null || top === null) return [0, 1];
    const padding = (top - bottom || Math.abs(top) || 1) * 0.08;
    return [
      scale.min ?? (bottom >= 0 && bottom - padding < 0 ? 0 : scale.stacked && bottom === 0 ? 0 : bottom - padding),
      scale.max ?? top + padding,
    ];
  };
}

function pathsOf(series: PlotSeries): uPlot.Series.PathBuilder | undefined {
  if (series.draw === "bars") return uPlot.paths.bars?.({ size: [0.8, 60] });
  if (series.draw === "points") return () => null;
  if (series.steps === "smooth") return uPlot.paths.spline?.();
  if (series.steps) return uPlot.paths.stepped?.({ align: series.steps === "after" ? 1 : -1 });
  return undefined;
}

export function TimeSeries(props: PlotProps) {
  const {
    times,
    height,
    range,
    label,
    onZoom,
    onZoomOut,
    thresholds,
    thresholdStyle = "line",
    syncKey,
    tip: tipMode = "multi",
  } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<{ width: number; height: number }>();
  const [toggled, setToggled] = useState<ReadonlySet<string>>();
  const [tip, setTip] = useState<Tip>();
  const theme = useTheme();
  const handlers = useRef({ onZoom, onZoomOut });
  handlers.current = { onZoom, onZoomOut };
  const { unit, decimals, min, max } = props;
  const series = useMemo(
    () =>
      props.series.map((entry) => ({
        ...entry,
        unit: entry.unit ?? unit,
        decimals: entry.decimals ?? decimals,
        min: entry.min ?? min,
        max: entry.max ?? max,
      })),
    [props.series, unit, decimals, min, max],
  );
  const hidden = useMemo(
    () => toggled ?? new Set(series.filter((entry) => entry.hidden).map((entry) => entry.name)),
    [toggled, series],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours depend on the theme
  const colors = useMemo(() => series.map(({ color }, i) => color ?? seriesColor(i)), [series, theme]);
  const legend = props.legend === false ? undefined : typeof props.legend === "object" ? props.legend : DEFAULT_LEGEND;

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = (): void =>
      setSize((old) => {
        const next = { width: element.clientWidth, height: height ?? element.clientHeight };
        return old && old.width === next.width && old.height === next.height ? old : next;
      });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when what it looks like changes
  useEffect(() => {
    const element = frame.current;
    if (!element || !size || size.width < 40 || size.height < 40) return;
    const values = stackValues(series, hidden);
    const { scales, keys } = scalesOf(series);
    const stacked = series.some((entry) => entry.stack !== undefined);
    const grid = { stroke: themeColor("--line"), width: 1 };
    const axis = {
      stroke: themeColor("--text-3"),
      font: "11px Inter Variable, sans-serif",
      grid,
      ticks: { show: false },
    };
    // Later series of a stack lie below the earlier ones, so that their areas do not paint over them.
    const order = series.map((_, i) => i);
    if (stacked) order.reverse();
    const chart = new uPlot(
      {
        width: size.width,
        height: size.height,
        legend: { show: false },
        padding: [8, 18, 0, 0],
        cursor: {
          drag: { x: true, y: false },
          points: { size: 7 },
          focus: { prox: stacked ? -1 : 24 },
          ...(syncKey ? { sync: { key: syncKey, scales: ["x", null] as [string, null], setSeries: false } } : {}),
        },
        focus: { alpha: stacked ? 1 : 0.35 },
        scales: {
          x: { range: (_chart, low, high) => (range ? [range.from, range.to] : [low, high]) },
          ...Object.fromEntries(
            scales.map((scale) => [
              scale.key,
              {
                range: scaleRange(scale),
                ...(scale.log === undefined
                  ? {}
                  : { distr: 3 as const, log: scale.log === 2 ? (2 as const) : (10 as const) }),
              },
            ]),
          ),
        },
        axes: [
          {
            ...axis,
            space: 70,
            // Two lines of labels only where the days change.
            size: range && range.to - range.from < 72_000 ? 28 : 40,
            values: [
              [86_400, "{YYYY}-{MM}-{DD}", null, null, null, null, null, null, 1],
              [3600, "{HH}:{mm}", "\n{MM}-{DD}", null, null, null, null, null, 1],
              [60, "{HH}:{mm}", null, null, null, null, null, null, 1],
              [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
            ],
          },
          ...scales.map((scale, i) => ({
            ...axis,
            scale: scale.key,
            show: scale.side !== "hidden",
            side: scale.side === "right" ? 1 : 3,
            grid: i === 0 ? grid : { show: false },
            ...(BINARY_UNITS.has(scale.unit ?? "") && scale.log === undefined ? { incrs: BINARY_STEPS } : {}),
            label: scale.label || undefined,
            labelSize: 18,
            labelFont: "11px Inter Variable, sans-serif",
            size: (_chart: uPlot, labels: string[] | null) =>
              Math.max(34, Math.max(0, ...(labels ?? []).map((text) => text?.length ?? 0)) * 6.4 + 14),
            values: (_chart: uPlot, ticks: number[]) =>
              scale.log === undefined
                ? formatTicks(ticks, scale.unit, scale.decimals)
                : ticks.map((tick) => (tick === null ? "" : formatValue(tick, scale.unit, scale.decimals))),
          })),
        ],
        series: [
          {},
          ...order.map((i) => {
            const entry = series[i]!;
            const fill =
              entry.draw === "bars" ? Math.max(entry.fill ?? 70, 10) : (entry.fill ?? (entry.stack ? 30 : 0));
            return {
              label: entry.name,
              scale: keys[i]!,
              stroke: colors[i],
              width: entry.draw === "points" ? 0 : (entry.width ?? 1.6),
              dash: entry.dash,
              fill:
                fill <= 0
                  ? undefined
                  : entry.gradient
                    ? (chart_: uPlot) => {
                        const { top, height: tall } = chart_.bbox;
                        const gradient = chart_.ctx.createLinearGradient(0, top, 0, top + tall);
                        gradient.addColorStop(0, withAlpha(colors[i]!, fill / 100));
                        gradient.addColorStop(1, withAlpha(colors[i]!, 0.02));
                        return gradient;
                      }
                    : withAlpha(colors[i]!, fill / 100),
              points: {
                show: entry.points || entry.draw === "points" || times.length < 3,
                size: entry.draw === "points" ? 5 : 4,
              },
              show: !hidden.has(entry.name),
              spanGaps: entry.spanGaps ?? false,
              paths: pathsOf(entry),
            };
          }),
        ],
        hooks: {
          setSelect: [
            (chart_) => {
              const { left, width } = chart_.select;
              if (width < 8) return;
              handlers.current.onZoom?.(chart_.posToVal(left, "x") * 1000, chart_.posToVal(left + width, "x") * 1000);
              chart_.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            },
          ],
          setCursor: [
            (chart_) => {
              const { left, top, idx, event } = chart_.cursor as uPlot.Cursor & { event?: Event };
              if (left === undefined || left < 0 || idx === null || idx === undefined || !event)
                return setTip(undefined);
              const flip = left > chart_.bbox.width / devicePixelRatio / 2;
              let nearest = -1;
              let best = Number.POSITIVE_INFINITY;
              for (const [at, i] of order.entries()) {
                const value = values[i]![idx];
                if (value === null || value === undefined || hidden.has(series[i]!.name)) continue;
                const away = Math.abs(chart_.valToPos(value, keys[i]!) - (top ?? 0));
                if (away < best) {
                  best = away;
                  nearest = order[at]!;
                }
              }
              setTip({
                left: left + chart_.bbox.left / devicePixelRatio,
                top: Math.max(0, top ?? 0),
                flip,
                time: times[idx]!,
                index: idx,
                nearest,
              });
            },
          ],
          drawClear: [
            (chart_) => {
              const scale = scales[0];
              if (!scale || !thresholds || thresholdStyle === "line") return;
              const { ctx, bbox } = chart_;
              thresholds.forEach(({ value, color }, at) => {
                const bottom = Math.min(
                  bbox.top + bbox.height,
                  chart_.valToPos(Number.isFinite(value) ? value : -1e300, scale.key, true),
                );
                const next = thresholds[at + 1];
                const top = Math.max(bbox.top, next ? chart_.valToPos(next.value, scale.key, true) : bbox.top);
                if (color === "transparent" || bottom <= top) return;
                ctx.fillStyle = withAlpha(color, 0.12);
                ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
              });
            },
          ],
          draw: [
            (chart_) => {
              const scale = scales[0];
              if (!scale || thresholdStyle === "area") return;
              const { ctx, bbox } = chart_;
              for (const { value, color } of thresholds ?? []) {
                if (!Number.isFinite(value) || color === "transparent") continue;
                const y = chart_.valToPos(value, scale.key, true);
                if (y < bbox.top || y > bbox.top + bbox.height) continue;
                ctx.save();
                ctx.strokeStyle = color;
                ctx.lineWidth = devicePixelRatio;
                ctx.setLineDash([6, 4]);
                ctx.beginPath();
                ctx.moveTo(bbox.left, y);
                ctx.lineTo(bbox.left + bbox.width, y);
                ctx.stroke();
                ctx.restore();
              }
            },
          ],
        },
      },
      [[...times], ...order.map((i) => values[i]!)] as uPlot.AlignedData,
      element,
    );
    const zoomOut = (): void => handlers.current.onZoomOut?.();
    chart.over.addEventListener("dblclick", zoomOut);
    return () => {
      chart.over.removeEventListener("dblclick", zoomOut);
      chart.destroy();
    };
  }, [times, series, size, hidden, theme, thresholds, thresholdStyle, range?.from, range?.to, syncKey]);

  const isolate = (name: string, add: boolean): void => {
    if (add) {
      const next = new Set(hidden);
      if (!next.delete(name)) next.add(name);
      setToggled(next);
      return;
    }
    const others = series.map((entry) => entry.name).filter((other) => other !== name);
    const alone = !hidden.has(name) && others.every((other) => hidden.has(other));
    setToggled(new Set(alone ? [] : others));
  };
  const rows = tip
    ? series
        .map((entry, i) => ({ name: entry.name, color: colors[i], value: entry.values[tip.index], entry, i }))
        .filter(
          ({ name, value, entry }) => value !== null && value !== undefined && !hidden.has(name) && !entry.hideInTip,
        )
        .filter(({ i }) => tipMode !== "single" || i === tip.nearest)
        .sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
    : [];
  const right = legend?.placement === "right";
  return (
    <div className={`chart${right ? " legend-right" : ""}`}>
      <div
        ref={frame}
        className="chart-plot"
        role="img"
        aria-label={`${label}: ${series.length} series`}
        style={height ? { flex: "none", height } : undefined}
        onMouseLeave={() => setTip(undefined)}
      />
      {tip && tipMode !== "none" && rows.length > 0 && (
        <div
          className="chart-tip"
          style={
            tip.flip
              ? { right: `calc(100% - ${tip.left - 14}px)`, top: tip.top }
              : { left: tip.left + 14, top: tip.top }
          }
        >
          <strong>{new Date(tip.time * 1000).toLocaleString()}</strong>
          {rows.slice(0, TIP_ROWS).map((row) => (
            <div key={row.name} className={`row${row.i === tip.nearest ? " nearest" : ""}`}>
              <span className="swatch" style={{ background: row.color }} />
              <span className="name">{row.name}</span>
              <span className="val">{formatValue(row.value, row.entry.unit, row.entry.decimals)}</span>
            </div>
          ))}
          {rows.length > TIP_ROWS && <div className="row">and {rows.length - TIP_ROWS} more</div>}
        </div>
      )}
      {legend && <Legend legend={legend} series={series} colors={colors} hidden={hidden} isolate={isolate} />}
    </div>
  );
}

function Legend(props: {
  legend: PlotLegend;
  series: readonly PlotSeries[];
  colors: readonly string[];
  hidden: ReadonlySet<string>;
  isolate: (name: string, add: boolean) => void;
}): ReactNode {
  const { legend, series, colors, hidden, isolate } = props;
  const [sort, setSort] = useState({ by: legend.sortBy ?? "", desc: legend.sortDesc ?? true });
  const entries = useMemo(() => {
    const all = series
      .map((entry, i) => ({
        entry,
        color: colors[i],
        calcs: legend.calcs.map((calc) =>
          reduce(
            entry.values.map((value) => value ?? Number.NaN),
            calc,
          ),
        ),
      }))
      .filter(({ entry }) => !entry.hideInLegend);
    const column = legend.calcs.findIndex((calc) => (REDUCERS[calc] ?? calc) === sort.by);
    if (column < 0 && sort.by !== "Name") return all;
    const sign = sort.desc ? -1 : 1;
    // Missing values stand last in either direction.
    return all.sort((a, b) =>
      column < 0
        ? sign * a.entry.name.localeCompare(b.entry.name)
        : Number.isNaN(a.calcs[column]!)
          ? 1
          : Number.isNaN(b.calcs[column]!)
            ? -1
            : sign * (a.calcs[column]! - b.calcs[column]!),
    );
  }, [series, colors, legend, sort]);
  if (entries.length === 0) return null;
  const shown = entries.slice(0, LEGEND_ROWS);
  const button = ({ entry, color }: (typeof entries)[number]): ReactNode => (
    <button
      type="button"
      aria-pressed={!hidden.has(entry.name)}
      onClick={(event) => isolate(entry.name, event.ctrlKey || event.metaKey)}
      title="Click isolates, Ctrl+click adds or removes"
    >
      <span className="swatch" style={{ background: color }} />
      {entry.name}
    </button>
  );
  const rest = entries.length > shown.length && <span className="sub">and {entries.length - shown.length} more</span>;
  if (legend.mode === "list") {
    return (
      <div className="legend">
        {shown.map((each) => (
          <span key={each.entry.name} className="legend-entry">
            {button(each)}
            {legend.calcs.map((calc, at) => (
              <span key={calc}>
                {REDUCERS[calc] ?? calc}: <b>{formatValue(each.calcs[at], each.entry.unit, each.entry.decimals)}</b>
              </span>
            ))}
          </span>
        ))}
        {rest}
      </div>
    );
  }
  const head = (name: string): ReactNode => (
    <th key={name} aria-sort={sort.by === name ? (sort.desc ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => setSort({ by: name, desc: sort.by === name ? !sort.desc : true })}>
        {name}
        {sort.by === name ? (sort.desc ? " ↓" : " ↑") : ""}
      </button>
    </th>
  );
  return (
    <div className="legend legend-table">
      <table>
        <thead>
          <tr>
            {head("Name")}
            {legend.calcs.map((calc) => head(REDUCERS[calc] ?? calc))}
          </tr>
        </thead>
        <tbody>
          {shown.map((each) => (
            <tr key={each.entry.name}>
              <td>{button(each)}</td>
              {each.calcs.map((value, at) => (
                <td key={legend.calcs[at]} className="number">
                  {formatValue(value, each.entry.unit, each.entry.decimals)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rest}
    </div>
  );
}
