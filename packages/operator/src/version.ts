/** Versions of Prometheus and Alertmanager, for fields that older ones do not know. */

export const DEFAULT_PROMETHEUS_VERSION = "v3.13.2";
export const DEFAULT_ALERTMANAGER_VERSION = "v0.33.1";

function parts(version: string): number[] {
  return version
    .replace(/^v/, "")
    .split(/[-+]/)[0]
    .split(".")
    .map((part) => Number.parseInt(part, 10) || 0);
}

export function atLeast(version: string, minimum: string): boolean {
  const a = parts(version);
  const b = parts(minimum);
  for (let i = 0; i < 3; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0);
  return true;
}
