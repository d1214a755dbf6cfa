/** Stat, gauge, bar gauge and pie: one figure per column. */
import { fraction } from "../../core/frames/field-config.ts";
import { at, object, string } from "../../core/json.ts";
import { formatValue } from "../../core/units.ts";
import { namedColor } from "../../viz/colors.ts";
import type { PanelView } from "./index.tsx";
import { type PanelValue, panelValues } from "./values.ts";

function Sparkline({ values, color }: { values: Float64Array; color: string }) {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (values.length < 2 || max === Number.NEGATIVE_INFINITY) return null;
  const span = max - min || 1;
  const points: string[] = [];
  values.forEach((value, i) => {
    if (Number.isFinite(value))
      points.push(`${((i / (values.length - 1)) * 100).toFixed(2)} ${(28 - ((value - min) / span) * 24).toFixed(2)}`);
  });
  const line = `M${points.join(" L")}`;
  return (
    <svg className="sparkline" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <path d={`${line} L100 30 L0 30 Z`} fill={color} opacity="0.16" />
      <path d={line} fill="none" stroke={color} strokeWidth="1.6" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

function NoValue() {
  return <p className="note">No data. The queries select nothing that this panel can show.</p>;
}

/** Font size in px so that the longest text fits its share of the panel. */
function fitting(values: readonly PanelValue[], width: number, height: number, across: boolean, most: number): number {
  const longest = Math.max(1, ...values.map(({ text }) => text.length));
  const share = across ? width / Math.max(1, values.length) : width;
  const tall = across ? height : height / Math.max(1, values.length);
  return Math.max(13, Math.min(most, ((share - 24) / longest) * 1.5, tall * 0.5));
}

export function StatPanel({ panel, data, width, height }: PanelView) {
  const values = panelValues(panel, data.frames);
  if (values.length === 0) return <NoValue />;
  const colorMode = string(panel.options.colorMode, "value");
  const textMode = string(panel.options.textMode, "auto");
  const showName = textMode === "name" || textMode === "value_and_name" || (textMode === "auto" && values.length > 1);
  const across = panel.options.orientation !== "horizontal" && width / values.length > 80;
  const filled = colorMode.startsWith("background");
  const size = fitting(values, width, height, across, 54);
  return (
    <div className="stats" style={across ? undefined : { flexDirection: "column", overflow: "auto" }}>
      {values.map((value) => (
        <div
          key={value.key}
          className="stat"
          style={filled ? { background: `color-mix(in srgb, ${value.color} 34%, var(--surface))` } : undefined}
        >
          {showName && <span className="name">{value.name}</span>}
          {textMode !== "name" && textMode !== "none" && (
            <span
              className="big"
              style={{ fontSize: size, color: colorMode === "none" || filled ? undefined : value.color }}
            >
              {value.text}
            </span>
          )}
          {panel.options.graphMode !== "none" && value.history && height > 70 && (
            <Sparkline values={value.history} color={value.color} />
          )}
        </div>
      ))}
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

export function GaugePanel({ panel, data }: PanelView) {
  const values = panelValues(panel, data.frames).slice(0, 24);
  if (values.length === 0) return <NoValue />;
  return (
    <div className="stats">
      {values.map(({ key, name, value, text, color, config, min, max }) => {
        const percentage = config.thresholds.mode === "percentage";
        const place = (limit: number): number =>
          percentage ? Math.min(1, Math.max(0, limit / 100)) : fraction(limit, min, max);
        const steps = config.thresholds.steps.map((step, i) => ({
          from: Number.isFinite(step.value) ? place(step.value) : 0,
          to: i + 1 < config.thresholds.steps.length ? place(config.thresholds.steps[i + 1]!.value) : 1,
          color: namedColor(step.color),
        }));
        return (
          <div key={key} className="gauge" role="img" aria-label={`${name}: ${text}`}>
            <svg viewBox="0 0 100 84" aria-hidden="true">
              <path d={arc(0, 1, 38)} fill="none" stroke="var(--surface-3)" strokeWidth="11" />
              {typeof value === "number" && !Number.isNaN(value) && (
                <path
                  d={arc(0, Math.max(0.001, fraction(value, min, max)), 38)}
                  fill="none"
                  stroke={color}
                  strokeWidth="11"
                />
              )}
              {panel.options.showThresholdMarkers !== false &&
                steps
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
              <text
                x="50"
                y="54"
                textAnchor="middle"
                fontSize={text.length > 8 ? 11 : 15}
                fontWeight="650"
                fill={color}
              >
                {text}
              </text>
            </svg>
            {(values.length > 1 || panel.title === "") && <span className="sub">{name}</span>}
          </div>
        );
      })}
    </div>
  );
}

export function BarGaugePanel({ panel, data }: PanelView) {
  const values = panelValues(panel, data.frames);
  if (values.length === 0) return <NoValue />;
  return (
    <div className="bars">
      {values.map(({ key, name, value, text, color, min, max }) => (
        <div key={key} className="bar">
          <span title={name}>{name}</span>
          <span className="track">
            <span
              className="fill"
              style={{
                width: `${(typeof value === "number" ? fraction(value, min, max) : 0) * 100}%`,
                background: color,
              }}
            />
          </span>
          <b style={{ color }}>{text}</b>
        </div>
      ))}
    </div>
  );
}

export function PiePanel({ panel, data }: PanelView) {
  const values = panelValues(panel, data.frames, "palette-classic").filter(
    ({ value }) => typeof value === "number" && value > 0,
  );
  if (values.length === 0) return <NoValue />;
  const total = values.reduce((sum, { value }) => sum + (value as number), 0);
  const isDonut = panel.options.pieType === "donut";
  const radius = isDonut ? 15.9155 : 10.61;
  const around = 2 * Math.PI * radius;
  let before = 0;
  const legend = object(panel.options.legend);
  return (
    <div className="stats pie">
      <svg
        viewBox="0 0 44 44"
        role="img"
        aria-label={`${panel.title}: ${values.map(({ name, text }) => `${name} ${text}`).join(", ")}`}
      >
        {values.map(({ key, value, color }) => {
          const share = (value as number) / total;
          const offset = -before * around;
          before += share;
          return (
            <circle
              key={key}
              r={radius}
              cx="22"
              cy="22"
              fill="none"
              stroke={color}
              strokeWidth={isDonut ? 7 : 21.2}
              strokeDasharray={`${share * around} ${(1 - share) * around}`}
              strokeDashoffset={offset}
              transform="rotate(-90 22 22)"
            />
          );
        })}
      </svg>
      {legend.showLegend !== false && at(legend, "displayMode") !== "hidden" && (
        <div className="legend legend-table">
          <table>
            <tbody>
              {values.map(({ key, name, value, text, color }) => (
                <tr key={key}>
                  <td>
                    <span className="legend-entry">
                      <span className="swatch" style={{ background: color }} />
                      {name}
                    </span>
                  </td>
                  <td className="number">{text}</td>
                  <td className="number">{formatValue((value as number) / total, "percentunit", 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
