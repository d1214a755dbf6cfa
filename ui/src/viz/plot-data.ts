/** What is plotted: columns over one time axis, series on top of each other, scales by unit. Pure, without a canvas. */
export interface PlotSeries {
  name: string;
  color?: string;
  /** One value a time; null where there is none. */
  values: readonly (number | null)[];
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  /** 0…100 */
  fill?: number;
  gradient?: boolean;
  width?: number;
  draw?: "line" | "bars" | "points";
  steps?: "before" | "after" | "smooth";
  dash?: number[];
  points?: boolean;
  spanGaps?: boolean;
  /** Series of one group stand on top of each other. */
  stack?: string;
  percent?: boolean;
  side?: "left" | "right" | "hidden";
  axisLabel?: string;
  log?: number;
  hideInLegend?: boolean;
  hideInTip?: boolean;
  /** Not drawn until the legend asks for it. */
  hidden?: boolean;
}

export interface Scale {
  key: string;
  unit: string | undefined;
  decimals: number | undefined;
  side: "left" | "right" | "hidden";
  label: string;
  log: number | undefined;
  min: number | undefined;
  max: number | undefined;
  stacked: boolean;
}

const scaleKey = (series: PlotSeries): string => `y ${series.unit ?? ""} ${series.side ?? ""}`;

/** One scale per unit and side; the first stands left, the others right. */
export function scalesOf(series: readonly PlotSeries[]): { scales: Scale[]; keys: string[] } {
  const scales = new Map<string, Scale>();
  const keys = series.map((entry) => {
    const key = scaleKey(entry);
    const known = scales.get(key);
    const lower = (a?: number, b?: number): number | undefined =>
      a === undefined ? b : b === undefined ? a : Math.min(a, b);
    const upper = (a?: number, b?: number): number | undefined =>
      a === undefined ? b : b === undefined ? a : Math.max(a, b);
    scales.set(key, {
      key,
      unit: entry.percent ? "percentunit" : entry.unit,
      decimals: known?.decimals ?? entry.decimals,
      side:
        entry.side ??
        ([...scales.values()].some((scale) => scale.side === "left" && scale.key !== key) ? "right" : "left"),
      label: known?.label || entry.axisLabel || "",
      log: entry.log,
      min: lower(known?.min, entry.min),
      max: upper(known?.max, entry.max),
      stacked: (known?.stacked ?? false) || entry.stack !== undefined || entry.draw === "bars",
    });
    return key;
  });
  return { scales: [...scales.values()], keys };
}

/**
 * Values as they are drawn: each series of a group on top of those before it, positive and negative ones apart; gaps
 * count as nothing. With `percent` as shares of the group's total.
 */
export function stackValues(series: readonly PlotSeries[], hidden: ReadonlySet<string>): (number | null)[][] {
  const sums = new Map<string, Float64Array>();
  const totals = new Map<string, Float64Array>();
  const length = series[0]?.values.length ?? 0;
  for (const entry of series) {
    if (!entry.percent || hidden.has(entry.name)) continue;
    const total = totals.get(entry.stack ?? "") ?? new Float64Array(length);
    totals.set(entry.stack ?? "", total);
    for (let at = 0; at < length; at++) total[at]! += Math.abs(entry.values[at] ?? 0);
  }
  return series.map((entry) => {
    if (entry.stack === undefined) return [...entry.values];
    if (hidden.has(entry.name)) return new Array<null>(length).fill(null);
    const below = entry.values.some((value) => (value ?? 0) < 0) ? "-" : "+";
    const key = `${entry.stack}${below}`;
    const sum = sums.get(key) ?? new Float64Array(length);
    sums.set(key, sum);
    const total = totals.get(entry.stack);
    return entry.values.map((value, at) => {
      const own = value ?? 0;
      sum[at]! += entry.percent && total ? (total[at] === 0 ? 0 : own / total[at]!) : own;
      return value === null ? null : sum[at]!;
    });
  });
}

/** Columns over the union of the times; what a series lacks is undefined for "not asked here", null for a gap. */
export function align(
  columns: readonly { times: Float64Array; values: Float64Array }[],
  step: number,
): { times: number[]; values: (number | null)[][] } {
  const all = new Set<number>();
  for (const { times } of columns) for (const time of times) all.add(time / 1000);
  const times = [...all].sort((a, b) => a - b);
  // A hole wider than the step is a gap of the data, not of the drawing: a time without values breaks the lines.
  const filled: number[] = [];
  for (const time of times) {
    const last = filled.at(-1);
    if (last !== undefined && step > 0 && time - last > step * 1.5) filled.push(last + step);
    filled.push(time);
  }
  const place = new Map(filled.map((time, at) => [time, at]));
  const values = columns.map((column) => {
    const row = new Array<number | null>(filled.length).fill(null);
    for (let at = 0; at < column.times.length; at++) {
      const value = column.values[at]!;
      if (Number.isFinite(value)) row[place.get(column.times[at]! / 1000)!] = value;
    }
    return row;
  });
  return { times: filled, values };
}
