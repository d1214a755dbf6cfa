import { useMemo, useState } from "react";
import { displayValue, type FieldConfig, fraction, resolveField } from "../../core/frames/field-config.ts";
import { cell, type Field, type Frame } from "../../core/frames/frame.ts";
import { reduce } from "../../core/frames/reduce.ts";
import { transform } from "../../core/frames/transform.ts";
import { at, number, object, objects, string } from "../../core/json.ts";
import { interpolate } from "../../core/vars/interpolate.ts";
import { Link } from "../../shell/link.tsx";
import type { PanelView } from "./index.tsx";
import { colorOf } from "./values.ts";

/** More rows are not drawn: a filter in the query serves better. */
const ROWS = 500;

interface Column {
  field: Field;
  config: FieldConfig;
  cellType: string;
  min: number;
  max: number;
}

/** The one table that is shown: series without labels of their own as rows, several tables merged. */
function tableOf(frames: readonly Frame[]): Frame | undefined {
  if (frames.length <= 1) return frames[0];
  return transform([...frames], [{ id: "merge", options: {} }]).frames[0];
}

/** Only addresses that open a page; `javascript:` and the like open nothing. */
function safeUrl(url: string): string | undefined {
  return /^(https?:\/\/|\/(?!\/)|[?#])/i.test(url) ? url : undefined;
}

export function TablePanel({ panel, data, values }: PanelView) {
  const [sort, setSort] = useState<{ by: string; desc: boolean } | undefined>(() => {
    const [first] = objects(panel.options.sortBy);
    return first ? { by: string(first.displayName), desc: first.desc === true } : undefined;
  });
  const { columns, order, length } = useMemo(() => {
    const frame = tableOf(data.frames);
    const shown: Column[] = (frame?.fields ?? []).map((field) => {
      const config = resolveField(field, frame!, panel.fieldConfig);
      const options = object(config.custom.cellOptions);
      const numbers = field.type === "number" ? field.values : new Float64Array(0);
      return {
        field,
        config,
        cellType: string(options.type) || string(config.custom.displayMode),
        min: config.min ?? (reduce(numbers, "min") || 0),
        max: config.max ?? (reduce(numbers, "max") || 100),
      };
    });
    const visible = shown.filter(({ config }) => config.custom.hidden !== true);
    const rows = Array.from({ length: frame?.length ?? 0 }, (_, row) => row);
    const key = sort && visible.find(({ config }) => config.displayName === sort.by);
    if (key) {
      const sign = sort.desc ? -1 : 1;
      rows.sort((a, b) => {
        const left = cell(key.field, a);
        const right = cell(key.field, b);
        return sign * (left < right ? -1 : left > right ? 1 : 0);
      });
    }
    return { columns: visible, order: rows.slice(0, ROWS), length: rows.length };
  }, [data, panel, sort]);
  if (columns.length === 0 || length === 0) return <p className="note">No data. The queries select no rows.</p>;
  const link = (column: Column, row: number, text: string) => {
    const [first] = column.config.links;
    if (!first) return text;
    const url = interpolate(string(first.url), values, "url")
      .replace(/\$\{__value\.(raw|text|numeric)\}/g, encodeURIComponent(String(cell(column.field, row))))
      .replace(/\$\{__data\.fields(?:\.(\w+)|\["?([^"\]]+)"?\])(?:\.\w+)?\}/g, (_, plain, quoted) => {
        const other = columns.find(
          ({ field, config }) => field.name === (plain ?? quoted) || config.displayName === (plain ?? quoted),
        );
        return other ? encodeURIComponent(String(cell(other.field, row))) : "";
      });
    const safe = safeUrl(url);
    return safe ? (
      <Link href={safe} title={string(first.title) || undefined}>
        {text}
      </Link>
    ) : (
      text
    );
  };
  return (
    <div className="table-panel">
      <table>
        {panel.options.showHeader !== false && (
          <thead>
            <tr>
              {columns.map(({ field, config }, i) => (
                <th
                  // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
                  key={i}
                  className={field.type === "number" ? "number" : undefined}
                  style={{ width: number(config.custom.width) }}
                  aria-sort={sort?.by === config.displayName ? (sort.desc ? "descending" : "ascending") : "none"}
                >
                  <button
                    type="button"
                    onClick={() =>
                      setSort({ by: config.displayName, desc: sort?.by === config.displayName ? !sort.desc : false })
                    }
                  >
                    {config.displayName}
                    {sort?.by === config.displayName ? (sort.desc ? " ↓" : " ↑") : ""}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {order.map((row) => (
            <tr key={row}>
              {columns.map((column, i) => {
                const value = cell(column.field, row);
                const text = displayValue(value, column.config);
                const colored = column.cellType.startsWith("color-");
                const color =
                  colored || column.cellType.includes("gauge")
                    ? colorOf(
                        value,
                        {
                          ...column.config,
                          color: {
                            ...column.config.color,
                            mode: at(panel.fieldConfig.defaults, "color") ? column.config.color.mode : "thresholds",
                          },
                        },
                        i,
                        column.min,
                        column.max,
                      )
                    : undefined;
                const align = string(column.config.custom.align, "auto");
                return (
                  <td
                    // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
                    key={i}
                    className={column.field.type === "number" ? "number" : undefined}
                    style={{
                      textAlign: align === "left" || align === "right" || align === "center" ? align : undefined,
                      color: column.cellType === "color-text" ? color : undefined,
                      background:
                        column.cellType.startsWith("color-background") && color
                          ? `color-mix(in srgb, ${color} 34%, transparent)`
                          : undefined,
                    }}
                  >
                    {column.cellType.includes("gauge") && typeof value === "number" ? (
                      <span className="bar in-cell">
                        <span className="track">
                          <span
                            className="fill"
                            style={{ width: `${fraction(value, column.min, column.max) * 100}%`, background: color }}
                          />
                        </span>
                        <b>{text}</b>
                      </span>
                    ) : (
                      link(column, row, text)
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {length > ROWS && <p className="note">{length - ROWS} more rows are not shown.</p>}
    </div>
  );
}
