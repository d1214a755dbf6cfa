/** One number out of a column, by Grafana's reducer ids. NaN stands for "no value". */
export const REDUCERS: Record<string, string> = {
  lastNotNull: "Last *",
  last: "Last",
  firstNotNull: "First *",
  first: "First",
  min: "Min",
  max: "Max",
  mean: "Mean",
  median: "Median",
  sum: "Total",
  count: "Count",
  range: "Range",
  delta: "Delta",
  diff: "Difference",
  diffperc: "Difference percent",
  stdDev: "StdDev",
  variance: "Variance",
  distinctCount: "Distinct count",
  changeCount: "Change count",
  allIsZero: "All zeros",
  allIsNull: "All nulls",
  step: "Step",
  logmin: "Min (above zero)",
};

export function reduce(values: Float64Array | readonly number[], reducer: string): number {
  const known: number[] = [];
  for (const value of values) if (!Number.isNaN(value)) known.push(value);
  const count = known.length;
  if (reducer === "count") return values.length;
  if (reducer === "allIsNull") return count === 0 ? 1 : 0;
  if (count === 0) return Number.NaN;
  switch (reducer) {
    case "last":
      return values[values.length - 1]!;
    case "first":
      return values[0]!;
    case "firstNotNull":
      return known[0]!;
    case "min":
      return known.reduce((a, b) => Math.min(a, b));
    case "max":
      return known.reduce((a, b) => Math.max(a, b));
    case "logmin":
      return known.filter((value) => value > 0).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    case "sum":
      return known.reduce((a, b) => a + b, 0);
    case "mean":
      return known.reduce((a, b) => a + b, 0) / count;
    case "median": {
      const sorted = known.sort((a, b) => a - b);
      const middle = count >> 1;
      return count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
    }
    case "range":
      return reduce(known, "max") - reduce(known, "min");
    case "diff":
      return known[count - 1]! - known[0]!;
    case "diffperc":
      return (known[count - 1]! - known[0]!) / known[0]!;
    case "delta": {
      let sum = 0;
      for (let at = 1; at < count; at++) sum += known[at]! < known[at - 1]! ? known[at]! : known[at]! - known[at - 1]!;
      return sum;
    }
    case "variance":
    case "stdDev": {
      const mean = known.reduce((a, b) => a + b, 0) / count;
      const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
      return reducer === "variance" ? variance : Math.sqrt(variance);
    }
    case "distinctCount":
      return new Set(known).size;
    case "changeCount":
      return known.reduce((sum, value, at) => sum + (at > 0 && value !== known[at - 1] ? 1 : 0), 0);
    case "allIsZero":
      return known.every((value) => value === 0) ? 1 : 0;
    default:
      return known[count - 1]!;
  }
}
