import { useMemo } from "react";
import { displayValue, type FieldConfig, resolveField } from "../../core/frames/field-config.ts";
import { stretches } from "../../core/frames/states.ts";
import { at, boolean, string } from "../../core/json.ts";
import type { PanelView } from "./index.tsx";
import { TimeAxis } from "./time-axis.tsx";
import { colorOf } from "./values.ts";

/** Width of a letter, to tell whether a text fits into its stretch. */
const LETTER = 7;
const NAMES_SHARE = 0.24;

/** State timeline and, with `history`, one box per point instead of merged stretches. */
export function StatePanel({ panel, data, width, history }: PanelView & { history: boolean }) {
  const step = data.step * 1000;
  const { from, to } = data;
  const merge = !history && boolean(panel.options.mergeValues, true);
  const rows = useMemo(() => {
    const coloured = at(panel.fieldConfig.defaults, "color", "mode")
      ? panel.fieldConfig
      : { ...panel.fieldConfig, defaults: { ...panel.fieldConfig.defaults, color: { mode: "thresholds" } } };
    return data.frames.flatMap((frame) => {
      const time = frame.fields.find((field) => field.type === "time");
      if (!time || time.type === "string") return [];
      return frame.fields.flatMap((field, index) => {
        if (field.type !== "number") return [];
        const config: FieldConfig = resolveField(field, frame, coloured);
        const text = (value: number): string => displayValue(value, config);
        return [
          {
            name: config.displayName,
            parts: stretches(time.values, field.values, step, text, merge).map((part) => ({
              ...part,
              text: text(part.value),
              color: colorOf(part.value, config, index, config.min ?? 0, config.max ?? 100),
            })),
          },
        ];
      });
    });
  }, [panel, data, step, merge]);
  if (rows.length === 0) return <p className="note">No data. The queries select no states.</p>;
  const names = Math.min(180, width * NAMES_SHARE);
  const track = width - names;
  const place = (time: number): number => (Math.min(Math.max(time, from), to) - from) / (to - from);
  const showText = string(panel.options.showValue, "auto") !== "never";
  return (
    <div className="states">
      <div className="states-rows">
        {rows.map(({ name, parts }, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat
          <div key={`${name}${row}`} className="states-row" style={{ gridTemplateColumns: `${names}px 1fr` }}>
            <span className="name" title={name}>
              {name}
            </span>
            <span className="track">
              {parts.map(({ from: start, to: end, text, color }) => {
                const share = place(end) - place(start);
                return (
                  <span
                    key={start}
                    title={`${text}: ${new Date(start).toLocaleString()} – ${new Date(end).toLocaleTimeString()}`}
                    style={{
                      left: `${place(start) * 100}%`,
                      width: `${share * 100}%`,
                      background: `color-mix(in srgb, ${color} 72%, var(--surface))`,
                    }}
                  >
                    {showText && text.length * LETTER < share * track ? text : ""}
                  </span>
                );
              })}
            </span>
          </div>
        ))}
      </div>
      <div style={{ marginLeft: names }}>
        <TimeAxis from={from} to={to} width={track} />
      </div>
    </div>
  );
}
