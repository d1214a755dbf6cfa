import { type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import { bucketSeries, bucketValues, type Heatmap } from "../../core/frames/buckets.ts";
import { at, boolean, number, object, string } from "../../core/json.ts";
import { formatValue } from "../../core/units.ts";
import { useTheme } from "../../shell/theme.ts";
import { themeColor, withAlpha } from "../../viz/theme-colors.ts";
import type { PanelView } from "./index.tsx";
import { TimeAxis } from "./time-axis.tsx";

const AXIS_WIDTH = 64;
const AXIS_HEIGHT = 20;
/** Rows whose names are written; more would overlap. */
const NAME_HEIGHT = 16;

/** The map that the panel's options, of today's form or the one before Grafana 9, ask for. */
function mapOf({ panel, data }: PanelView): Heatmap {
  const { options, source } = panel;
  const legacy = string(source.dataFormat);
  const isBuckets = legacy === "tsbuckets" || (legacy === "" && !boolean(options.calculate));
  if (!isBuckets) {
    const buckets = at(options, "calculation", "yBuckets");
    const value = number(at(buckets, "value"));
    return at(buckets, "mode") === "size"
      ? bucketValues(data.frames, 20, value)
      : bucketValues(data.frames, value || 20);
  }
  const cumulative = panel.targets.some(({ format }) => format === "heatmap");
  return bucketSeries(data.frames, cumulative);
}

/** Bounds with the axis' unit; names that are no numbers as they are. */
function rowText(label: string, unit: string): string {
  const value = Number(label);
  return label === "" || Number.isNaN(value) ? label : formatValue(value, unit);
}

export function HeatmapPanel(view: PanelView) {
  const { panel, data, width, height } = view;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rest of the view does not change the map
  const map = useMemo(() => mapOf(view), [panel, data]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const [hit, setHit] = useState<{ row: number; column: number; x: number; y: number }>();
  const plotWidth = Math.max(10, width - AXIS_WIDTH);
  const plotHeight = Math.max(10, height - AXIS_HEIGHT);
  const { times, rows, counts, max } = map;
  const step = data.step * 1000;
  const from = data.from;
  const to = Math.max(data.to, data.from + step);
  const unit =
    string(at(panel.options, "yAxis", "unit")) ||
    string(object(panel.source.yAxis).format) ||
    string(panel.fieldConfig.defaults.unit) ||
    "short";
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours depend on the theme
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || rows.length === 0) return;
    const scale = devicePixelRatio;
    context.canvas.width = plotWidth * scale;
    context.canvas.height = plotHeight * scale;
    context.scale(scale, scale);
    const color = themeColor("--accent");
    const cellHeight = plotHeight / rows.length;
    const cellWidth = Math.max(1, (step / (to - from)) * plotWidth);
    for (let row = 0; row < rows.length; row++) {
      for (let column = 0; column < times.length; column++) {
        const count = counts[row * times.length + column]!;
        if (!(count > 0)) continue;
        context.fillStyle = withAlpha(color, 0.08 + 0.92 * Math.sqrt(count / max));
        const x = ((times[column]! - from) / (to - from)) * plotWidth;
        context.fillRect(
          x,
          plotHeight - (row + 1) * cellHeight + 0.5,
          cellWidth - (cellWidth > 4 ? 1 : 0),
          Math.max(1, cellHeight - 1),
        );
      }
    }
  }, [map, plotWidth, plotHeight, theme, from, to, step]);
  if (rows.length === 0 || times.length === 0) return <p className="note">No data. The queries select no buckets.</p>;
  const point = (event: MouseEvent<HTMLCanvasElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const time = from + (x / plotWidth) * (to - from);
    const column = times.findLastIndex((start) => start <= time && time < start + step);
    const row = Math.floor((1 - y / plotHeight) * rows.length);
    setHit(column >= 0 && rows[row] ? { row, column, x, y } : undefined);
  };
  const every = Math.max(1, Math.ceil((rows.length * NAME_HEIGHT) / plotHeight));
  const pointed = hit && rows[hit.row];
  return (
    <div className="heatmap">
      <div className="heatmap-rows" style={{ width: AXIS_WIDTH, height: plotHeight }} aria-hidden="true">
        {rows.map(({ label, high }, row) =>
          row % every === 0 ? (
            <span key={`${label} ${high}`} style={{ bottom: `${((row + 0.5) / rows.length) * 100}%` }}>
              {rowText(label, unit)}
            </span>
          ) : null,
        )}
      </div>
      <div style={{ width: plotWidth }}>
        <canvas
          ref={canvas}
          style={{ width: plotWidth, height: plotHeight }}
          role="img"
          aria-label={`${panel.title}: ${rows.length} buckets over ${times.length} times, at most ${formatValue(max, "short")}`}
          onMouseMove={point}
          onMouseLeave={() => setHit(undefined)}
        />
        <TimeAxis from={from} to={to} width={plotWidth} />
      </div>
      {hit && pointed && (
        <div
          className="chart-tip"
          style={
            hit.x > plotWidth / 2
              ? { right: plotWidth - hit.x + 14, top: hit.y }
              : { left: AXIS_WIDTH + hit.x + 14, top: hit.y }
          }
        >
          <strong>{new Date(times[hit.column]!).toLocaleString()}</strong>
          <div className="row">
            <span className="name">{rowText(pointed.label, unit)}</span>
            <span className="val">{formatValue(counts[hit.row * times.length + hit.column], "short")}</span>
          </div>
        </div>
      )}
    </div>
  );
}
