/**
 * Sample values as Go's exporters write them: strconv.FormatFloat(value, 'g', -1, 64), that is the shortest digits, with an
 * exponent below 1e-4 and from 1e+06 on.
 */
export function formatFloat(value: number): string {
  // expfmt writes negative zero without its sign.
  if (Number.isInteger(value) && value < 1e6 && value > -1e6) return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

/** OpenMetrics' form of floats, used for `le` and `quantile` as well: always with a point or an exponent. */
export function formatOpenMetricsFloat(value: number): string {
  const text = formatFloat(value);
  return /[.eIN]/.test(text) ? text : `${text}.0`;
}
