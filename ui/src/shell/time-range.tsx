/** Range and refresh of a page, in the URL under Grafana's names: from, to, refresh. */
import { useEffect, useState } from "react";
import { parseInterval, parseTime } from "../core/time.ts";
import { setParams, useLocation } from "./router.ts";

const PRESETS: readonly (readonly [from: string, title: string])[] = [
  ["now-5m", "Last 5 minutes"],
  ["now-15m", "Last 15 minutes"],
  ["now-30m", "Last 30 minutes"],
  ["now-1h", "Last hour"],
  ["now-3h", "Last 3 hours"],
  ["now-6h", "Last 6 hours"],
  ["now-12h", "Last 12 hours"],
  ["now-24h", "Last 24 hours"],
  ["now-7d", "Last 7 days"],
  ["now-30d", "Last 30 days"],
];
const REFRESHES = ["", "5s", "10s", "30s", "1m", "5m"];

export interface TimeRange {
  /** Unix ms. */
  from: number;
  to: number;
  /** Changes whenever the data should be asked for again. */
  version: number;
  raw: { from: string; to: string; refresh: string };
}

export function useTimeRange(defaults: { from: string; to: string; refresh: string }): TimeRange {
  const { params } = useLocation();
  const raw = {
    from: params.get("from") ?? defaults.from,
    to: params.get("to") ?? defaults.to,
    refresh: params.get("refresh") ?? defaults.refresh,
  };
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const interval = parseInterval(raw.refresh);
    if (!interval) return;
    const timer = window.setInterval(
      () => !document.hidden && setVersion((value) => value + 1),
      Math.max(1000, interval),
    );
    return () => window.clearInterval(timer);
  }, [raw.refresh]);
  const [now, setNow] = useState(() => Date.now());
  // biome-ignore lint/correctness/useExhaustiveDependencies: a refresh or a new range moves "now"
  useEffect(() => setNow(Date.now()), [version, raw.from, raw.to]);
  const to = parseTime(raw.to, now, true) ?? now;
  const from = parseTime(raw.from, now) ?? to - 3600_000;
  return { from: Math.min(from, to - 1000), to, version, raw };
}

export function zoomTo(fromMs: number, toMs: number): void {
  setParams({ from: String(Math.round(fromMs)), to: String(Math.round(toMs)) });
}

export function TimeRangePicker({ range }: { range: TimeRange }) {
  const { raw, from, to } = range;
  const preset = PRESETS.find(([value]) => value === raw.from && raw.to === "now");
  const span = to - from;
  return (
    <>
      <button
        type="button"
        className="button"
        title="Earlier"
        aria-label="Earlier"
        onClick={() => zoomTo(from - span / 2, to - span / 2)}
      >
        ‹
      </button>
      <select
        className="input"
        aria-label="Time range"
        value={preset ? raw.from : "custom"}
        onChange={(event) => setParams({ from: event.target.value, to: "now" })}
      >
        {!preset && (
          <option value="custom">
            {new Date(from).toLocaleString()} – {new Date(to).toLocaleTimeString()}
          </option>
        )}
        {PRESETS.map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="button"
        title="Zoom out"
        aria-label="Zoom out"
        onClick={() => zoomTo(from - span / 2, Math.min(Date.now(), to + span / 2))}
      >
        −
      </button>
      <select
        className="input"
        aria-label="Refresh"
        value={raw.refresh}
        onChange={(event) => setParams({ refresh: event.target.value || "off" })}
      >
        {[...new Set([...REFRESHES, raw.refresh])].map((value) => (
          <option key={value} value={value}>
            {value === "" || value === "off" ? "↻ off" : `↻ ${value}`}
          </option>
        ))}
      </select>
    </>
  );
}
