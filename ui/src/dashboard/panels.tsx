/** What each type of panel draws. */
import DOMPurify from "dompurify";
import { type ReactNode, useMemo } from "react";
import { reduce } from "../core/frames.ts";
import { formatValue } from "../core/units.ts";
import { zoomTo } from "../shell/time-range.tsx";
import { namedColor } from "../viz/colors.ts";
import { TimeSeries } from "../viz/time-series.tsx";
import { display, fieldOf } from "./field.ts";
import type { FieldConfig, Json, Panel } from "./model.ts";
import type { PanelData } from "./panel-data.ts";

export interface PanelView {
  panel: Panel;
  data: PanelData;
}

interface Reduced {
  name: string;
  value: number | null;
  field: FieldConfig;
  values: (number | null)[];
}

function calcOf({ options }: Panel): string {
  const { calcs } = (options.reduceOptions ?? {}) as { calcs?: string[] };
  return calcs?.[0] ?? "lastNotNull";
}

function reduced({ panel, data }: PanelView): Reduced[] {
  return data.series.map(({ name, refId, values }) => {
    const field = fieldOf(panel, name, refId);
    return { name: field.displayName ?? name, value: reduce(values, calcOf(panel)), field, values };
  });
}

function TimeSeriesPanel({ panel, data }: PanelView) {
  const { options, field } = panel;
  const { series, thresholds } = useMemo(() => {
    const plotted = data.series.map(({ name, refId, values }) => {
      const own = fieldOf(panel, name, refId);
      return {
        name: own.displayName ?? name,
        // An instant query in a graph is a level line.
        values:
          values.length === 1 && data.times.length > 1
            ? data.times.map(() => values[0])
            : own.custom.transform === "negative-Y"
              ? values.map((value) => (value === null ? null : -value))
              : values,
        color: own.color ? namedColor(own.color) : undefined,
        unit: own.unit,
        fill: Number(own.custom.fillOpacity ?? 0),
        width: Number(own.custom.lineWidth ?? 1.6),
        bars: own.custom.drawStyle === "bars",
      };
    });
    const style = (field.custom.thresholdsStyle as Json | undefined)?.mode;
    const lines =
      style && style !== "off"
        ? field.thresholds
            .filter(({ value }) => Number.isFinite(value))
            .map(({ value, color }) => ({ value, color: namedColor(color) }))
        : [];
    return { series: plotted, thresholds: lines };
  }, [panel, data, field]);
  const stacking = (field.custom.stacking as Json | undefined)?.mode;
  const legend = (options.legend ?? {}) as { showLegend?: boolean; displayMode?: string };
  return (
    <TimeSeries
      label={panel.title}
      times={data.times}
      series={series}
      unit={field.unit}
      decimals={field.decimals}
      min={field.min}
      max={field.max}
      stacked={stacking === "normal" || stacking === "percent"}
      thresholds={thresholds}
      legend={legend.showLegend !== false && legend.displayMode !== "hidden"}
      range={{ from: data.start, to: data.end }}
      onZoom={zoomTo}
    />
  );
}

function Sparkline({ values, color }: { values: readonly (number | null)[]; color: string }) {
  const present = values.filter((value) => value !== null);
  if (present.length < 2) return null;
  const min = Math.min(...present);
  const span = Math.max(...present) - min || 1;
  const points = values
    .map((value, i) =>
      value === null
        ? null
        : `${((i / (values.length - 1)) * 100).toFixed(2)},${(28 - ((value - min) / span) * 26).toFixed(2)}`,
    )
    .filter((point) => point !== null);
  return (
    <svg
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      style={{ width: "100%", height: 30, opacity: 0.7 }}
      aria-hidden="true"
    >
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke={color}
        strokeWidth="1.6"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}

function StatPanel(view: PanelView) {
  const { panel } = view;
  const rows = reduced(view);
  const size = rows.length > 4 ? 22 : panel.grid.h <= 4 ? 28 : 40;
  const filled = panel.options.colorMode === "background";
  return (
    <div className="stats" style={{ flexWrap: rows.length > 4 ? "wrap" : undefined }}>
      {rows.map(({ name, value, field, values }) => {
        const { text, color } = display(value, field);
        return (
          <div
            key={name}
            className="stat"
            style={
              filled ? { background: `color-mix(in srgb, ${color ?? "transparent"} 28%, transparent)` } : undefined
            }
          >
            {(rows.length > 1 || panel.options.textMode === "value_and_name") && <span className="name">{name}</span>}
            <span
              className="big"
              style={{ fontSize: size, color: panel.options.colorMode === "none" || filled ? undefined : color }}
            >
              {text}
            </span>
            {panel.options.graphMode === "area" && <Sparkline values={values} color={color ?? "var(--accent)"} />}
          </div>
        );
      })}
    </div>
  );
}

const START = 0.75 * Math.PI;
const SWEEP = 1.5 * Math.PI;

function arc(from: number, to: number, radius: number): string {
  const point = (share: number): string => {
    const angle = START + SWEEP * share;
    return `${(50 + radius * Math.cos(angle)).toFixed(2)} ${(48 + radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${point(from)} A${radius} ${radius} 0 ${(to - from) * SWEEP > Math.PI ? 1 : 0} 1 ${point(to)}`;
}

function GaugePanel(view: PanelView) {
  const rows = reduced(view);
  return (
    <div className="stats">
      {rows.map(({ name, value, field }) => {
        const { text, color } = display(value, field);
        const min = field.min ?? 0;
        const max = field.max ?? 100;
        const share = (at: number): number => Math.min(1, Math.max(0, (at - min) / (max - min || 1)));
        const steps = field.thresholds.map(({ value: from, color: stepColor }, i) => ({
          from: share(Number.isFinite(from) ? from : min),
          to: share(field.thresholds[i + 1]?.value ?? max),
          color: namedColor(stepColor),
        }));
        return (
          <div key={name} className="gauge" role="img" aria-label={`${name}: ${text}`}>
            <svg viewBox="0 0 100 84" aria-hidden="true">
              <path d={arc(0, 1, 38)} fill="none" stroke="var(--surface-3)" strokeWidth="11" />
              {value !== null && (
                <path
                  d={arc(0, Math.max(0.001, share(value)), 38)}
                  fill="none"
                  stroke={color ?? "var(--accent)"}
                  strokeWidth="11"
                />
              )}
              {steps
                .filter(({ from, to }) => to > from)
                .map((step) => (
                  <path
                    key={step.from}
                    d={arc(step.from, step.to, 46)}
                    fill="none"
                    stroke={step.color}
                    strokeWidth="2.5"
                  />
                ))}
              <text x="50" y="54" textAnchor="middle" fontSize="15" fontWeight="650" fill={color ?? "var(--text)"}>
                {text}
              </text>
            </svg>
            {rows.length > 1 && <span className="sub">{name}</span>}
          </div>
        );
      })}
    </div>
  );
}

function BarGaugePanel(view: PanelView) {
  const rows = reduced(view);
  const largest = Math.max(...rows.map(({ value }) => value ?? 0), 0);
  return (
    <div className="bars">
      {rows.map(({ name, value, field }) => {
        const { text, color } = display(value, field);
        const min = field.min ?? 0;
        const share = Math.min(1, Math.max(0, ((value ?? min) - min) / ((field.max ?? largest) - min || 1)));
        return (
          <div key={name} className="bar">
            <span>{name}</span>
            <span className="track">
              <span
                className="fill"
                style={{ display: "block", width: `${share * 100}%`, background: color ?? "var(--accent)" }}
              />
            </span>
            <b>{text}</b>
          </div>
        );
      })}
    </div>
  );
}

function TablePanel({ panel, data }: PanelView) {
  const labels = [...new Set(data.series.flatMap(({ metric }) => Object.keys(metric)))]
    .filter((label) => label !== "__name__")
    .sort();
  return (
    <table>
      <thead>
        <tr>
          {labels.map((label) => (
            <th key={label}>{label}</th>
          ))}
          <th className="number">Value</th>
        </tr>
      </thead>
      <tbody>
        {data.series.map(({ name, refId, metric, values }) => {
          const field = fieldOf(panel, name, refId);
          const { text, color } = display(reduce(values, calcOf(panel)), field);
          return (
            <tr key={name}>
              {labels.map((label) => (
                <td key={label}>{metric[label] ?? ""}</td>
              ))}
              <td className="number" style={{ color }}>
                {text}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function PiePanel(view: PanelView) {
  const rows = reduced(view).filter(({ value }) => (value ?? 0) > 0);
  const total = rows.reduce((sum, { value }) => sum + (value ?? 0), 0);
  let at = 0;
  return (
    <div className="stats">
      <svg viewBox="0 0 42 42" style={{ flex: 1, minWidth: 0 }} role="img" aria-label={view.panel.title}>
        {rows.map(({ name, value, field }, i) => {
          const share = ((value ?? 0) / total) * 100;
          const offset = 25 - at;
          at += share;
          return (
            <circle
              key={name}
              r="15.915"
              cx="21"
              cy="21"
              fill="none"
              stroke={
                field.color
                  ? namedColor(field.color)
                  : `var(--series-${i}, ${namedColor(["blue", "orange", "green", "red", "purple", "yellow"][i % 6])})`
              }
              strokeWidth="7"
              strokeDasharray={`${share} ${100 - share}`}
              strokeDashoffset={offset}
            />
          );
        })}
      </svg>
      <div className="legend" style={{ flexDirection: "column", maxHeight: "none" }}>
        {rows.map(({ name, value, field }) => (
          <span key={name}>
            {name} <b>{formatValue(value, field.unit, field.decimals)}</b>
          </span>
        ))}
      </div>
    </div>
  );
}

/** Enough of Markdown for the notes dashboards carry. */
function markdown(source: string): string {
  const escaped = source
    .replace(/^### (.*)$/gm, "<h3>$1</h3>")
    .replace(/^## (.*)$/gm, "<h2>$1</h2>")
    .replace(/^# (.*)$/gm, "<h1>$1</h1>");
  return escaped
    .replace(/\*\*(.+?)\*\*/g, "<strong>$1</strong>")
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '<a href="$2">$1</a>')
    .replace(/^[-*] (.*)$/gm, "<li>$1</li>")
    .replace(/\n{2,}/g, "<br><br>");
}

export function TextPanel({ panel, text }: { panel: Panel; text: string }) {
  const html = panel.options.mode === "html" ? text : markdown(text);
  // biome-ignore lint/security/noDangerouslySetInnerHtml: sanitised, without scripts, styles, frames and forms
  return (
    <div
      className="markdown"
      dangerouslySetInnerHTML={{
        __html: DOMPurify.sanitize(html, { FORBID_TAGS: ["style", "form", "iframe", "input"], FORBID_ATTR: ["style"] }),
      }}
    />
  );
}

const VIEWS: Record<string, (view: PanelView) => ReactNode> = {
  timeseries: (view) => <TimeSeriesPanel {...view} />,
  stat: (view) => <StatPanel {...view} />,
  gauge: (view) => <GaugePanel {...view} />,
  bargauge: (view) => <BarGaugePanel {...view} />,
  table: (view) => <TablePanel {...view} />,
  piechart: (view) => <PiePanel {...view} />,
  "grafana-piechart-panel": (view) => <PiePanel {...view} />,
  barchart: (view) => <BarGaugePanel {...view} />,
};

export function isKnown(type: string): boolean {
  return type in VIEWS || type === "text" || type === "row";
}

export function drawPanel(view: PanelView): ReactNode {
  return VIEWS[view.panel.type]?.(view);
}
