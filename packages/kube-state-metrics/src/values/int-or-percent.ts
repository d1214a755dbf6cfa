/**
 * A number, or a share of `total` in percent; undefined when it is absent, malformed, or there is no total.
 * As k8s.io/apimachinery's GetScaledValueFromIntOrPercent.
 */
export function scaledIntOrPercent(
  value: number | string | null | undefined,
  total: number | null | undefined,
  round: (share: number) => number,
): number | undefined {
  if (value === undefined || value === null || total === undefined || total === null) return undefined;
  if (typeof value === "number") return value;
  const percent = /^([+-]?\d+)%$/.exec(value);
  return percent ? round((Number(percent[1]) * total) / 100) : undefined;
}
