/** A time series plot on uPlot: crosshair with values, drag to zoom, a legend that isolates, thresholds, stacking. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatValue } from "../core/units.ts";
import { seriesColor } from "./colors.ts";

export interface PlotSeries {
  name: string;
  color?: string;
  /** One value a time; null where there is none. */
  values: readonly (number | null)[];
  unit?: string;
  /** 0…100 */
  fill?: number;
  width?: number;
  bars?: boolean;
}

export interface PlotProps {
  /** Unix seconds. */
  times: readonly number[];
  series: readonly PlotSeries[];
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  stacked?: boolean;
  thresholds?: readonly { value: number; color: string }[];
  legend?: boolean;
  /** Height in px; the parent's when absent. */
  height?: number;
  /** Visible range in Unix seconds, also where there are no points. */
  range?: { from: number; to: number };
  onZoom?: (fromMs: number, toMs: number) => void;
  label: string;
}

/** More rows in the tip would hide the plot. */
const TIP_ROWS = 12;

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function useThemeVersion(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const changed = (): void => setVersion((value) => value + 1);
    window.addEventListener("pharos:theme", changed);
    return () => window.removeEventListener("pharos:theme", changed);
  }, []);
  return version;
}

/** Each series on top of those before it; gaps count as nothing. */
function stack(series: readonly PlotSeries[], hidden: ReadonlySet<string>): (number | null)[][] {
  const total: number[] = [];
  return series.map(({ name, values }) =>
    values.map((value, i) => {
      if (hidden.has(name)) return null;
      total[i] = (total[i] ?? 0) + (value ?? 0);
      return value === null ? null : total[i];
    }),
  );
}

interface Tip {
  left: number;
  top: number;
  flip: boolean;
  time: number;
  index: number;
}

export function TimeSeries(props: PlotProps) {
  const {
    times,
    series,
    unit,
    decimals,
    min,
    max,
    stacked,
    thresholds,
    legend = true,
    height,
    range,
    onZoom,
    label,
  } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [size, setSize] = useState<{ width: number; height: number }>();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [tip, setTip] = useState<Tip>();
  const theme = useThemeVersion();
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours depend on the theme
  const colors = useMemo(() => series.map(({ color }, i) => color ?? seriesColor(i)), [series, theme]);

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = (): void => setSize({ width: element.clientWidth, height: height ?? element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when what it looks like changes
  useEffect(() => {
    const element = frame.current;
    if (!element || !size || size.width < 40 || size.height < 40) return;
    const values = stacked ? stack(series, hidden) : series.map((entry) => [...entry.values]);
    const grid = { stroke: css("--line"), width: 1 };
    const axis = { stroke: css("--text-3"), font: "11px Inter Variable, sans-serif", grid, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: size.width,
        height: size.height,
        legend: { show: false },
        padding: [8, 6, 0, 0],
        cursor: { drag: { x: true, y: false }, points: { size: 7 }, focus: { prox: 24 } },
        focus: { alpha: stacked ? 1 : 0.35 },
        scales: {
          x: { range: (_chart, low, high) => (range ? [range.from, range.to] : [low, high]) },
          y: {
            range: (_chart, low, high) => {
              const bottom = min ?? (stacked ? Math.min(0, low) : low);
              const top = max ?? high;
              if (!Number.isFinite(bottom) || !Number.isFinite(top)) return [0, 1];
              const padding = (top - bottom || Math.abs(top) || 1) * 0.08;
              return [min ?? (bottom >= 0 && bottom - padding < 0 ? 0 : bottom - padding), max ?? top + padding];
            },
          },
        },
        axes: [
          {
            ...axis,
            space: 70,
            values: [
              [86_400, "{YYYY}-{MM}-{DD}", null, null, null, null, null, null, 1],
              [3600, "{HH}:{mm}", "\n{MM}-{DD}", null, null, null, null, null, 1],
              [60, "{HH}:{mm}", null, null, null, null, null, null, 1],
              [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
            ],
          },
          {
            ...axis,
            size: (_chart, labels) =>
              Math.max(34, Math.max(0, ...(labels ?? []).map((text) => text.length)) * 6.6 + 12),
            values: (_chart, ticks) => ticks.map((tick) => formatValue(tick, unit, decimals)),
          },
        ],
        series: [
          {},
          ...series.map((entry, i) => ({
            label: entry.name,
            stroke: colors[i],
            width: entry.width ?? 1.6,
            fill:
              entry.fill || stacked
                ? `${colors[i]}${Math.round(((entry.fill ?? 30) / 100) * 255)
                    .toString(16)
                    .padStart(2, "0")}`
                : undefined,
            points: { show: times.length < 3 },
            show: !hidden.has(entry.name),
            spanGaps: false,
            paths: entry.bars ? uPlot.paths.bars?.({ size: [0.7, 40] }) : undefined,
          })),
        ],
        hooks: {
          setSelect: [
            (chart_) => {
              const { left, width } = chart_.select;
              if (width < 8) return;
              zoom.current?.(chart_.posToVal(left, "x") * 1000, chart_.posToVal(left + width, "x") * 1000);
              chart_.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            },
          ],
          setCursor: [
            (chart_) => {
              const { left, top, idx } = chart_.cursor;
              if (left === undefined || left < 0 || idx === null || idx === undefined) return setTip(undefined);
              const flip = left > chart_.bbox.width / devicePixelRatio / 2;
              setTip({
                left: left + chart_.bbox.left / devicePixelRatio,
                top: top ?? 0,
                flip,
                time: times[idx],
                index: idx,
              });
            },
          ],
          draw: [
            (chart_) => {
              const { ctx, bbox } = chart_;
              for (const { value, color } of thresholds ?? []) {
                const y = chart_.valToPos(value, "y", true);
                if (y < bbox.top || y > bbox.top + bbox.height) continue;
                ctx.save();
                ctx.strokeStyle = color;
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
      [[...times], ...values] as uPlot.AlignedData,
      element,
    );
    plot.current = chart;
    return () => chart.destroy();
  }, [times, series, size, hidden, theme, unit, decimals, min, max, stacked, thresholds, range?.from, range?.to]);

  const isolate = (name: string, add: boolean): void => {
    setHidden((before) => {
      if (add) {
        const next = new Set(before);
        if (!next.delete(name)) next.add(name);
        return next;
      }
      const others = series.map((entry) => entry.name).filter((other) => other !== name);
      const alone = !before.has(name) && others.every((other) => before.has(other));
      return new Set(alone ? [] : others);
    });
  };
  const rows = tip
    ? series
        .map((entry, i) => ({
          name: entry.name,
          color: colors[i],
          value: entry.values[tip.index],
          unit: entry.unit ?? unit,
        }))
        .filter(({ name, value }) => value !== null && value !== undefined && !hidden.has(name))
        .sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
    : [];
  return (
    <div className="chart" style={{ display: "flex", flexDirection: "column", minHeight: 0, flex: 1 }}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: only forgets the tip */}
      <div
        ref={frame}
        role="img"
        aria-label={`${label}: ${series.length} series`}
        style={{ flex: height ? "none" : 1, height, minHeight: 0, overflow: "hidden" }}
        onMouseLeave={() => setTip(undefined)}
      />
      {tip && rows.length > 0 && (
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
            <div key={row.name} className="row">
              <span className="swatch" style={{ background: row.color }} />
              <span className="name">{row.name}</span>
              <span className="val">{formatValue(row.value, row.unit, decimals)}</span>
            </div>
          ))}
          {rows.length > TIP_ROWS && <div className="row">and {rows.length - TIP_ROWS} more</div>}
        </div>
      )}
      {legend && series.length > 0 && (
        <div className="legend">
          {series.map((entry, i) => (
            <button
              key={entry.name}
              type="button"
              aria-pressed={!hidden.has(entry.name)}
              onClick={(event) => isolate(entry.name, event.ctrlKey || event.metaKey)}
              title="Click isolates, Ctrl+click adds or removes"
            >
              <span className="swatch" style={{ background: colors[i] }} />
              {entry.name}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
