/** Range and refresh of a page, in the URL under Grafana's names: from, to, refresh. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { formatTime, parseInterval, parseTime } from "../core/time.ts";
import { Icon } from "../kit/icon.tsx";
import { Menu } from "../kit/menu.tsx";
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

/** What stands in the field: what the user wrote, times in ms as dates. */
function fieldText(raw: string): string {
  return /^\d{10,}$/.test(raw) ? formatTime(parseTime(raw)!) : raw;
}

function Absolute({ raw, done }: { raw: TimeRange["raw"]; done: () => void }) {
  const [error, setError] = useState("");
  const apply = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [from, to] = [String(form.get("from")).trim(), String(form.get("to")).trim()];
    const [start, end] = [parseTime(from), parseTime(to, Date.now(), true)];
    if (start === undefined || end === undefined) {
      setError("Write a time as 2026-11-24 08:00, or relative: now-6h, now/d.");
    } else if (start >= end) {
      setError("The range ends before it begins.");
    } else {
      setParams({ from: from.startsWith("now") ? from : String(start), to: to.startsWith("now") ? to : String(end) });
      done();
    }
  };
  return (
    <form key={`${raw.from} ${raw.to}`} className="range-form" onSubmit={apply}>
      <label>
        From
        <input className="input" name="from" defaultValue={fieldText(raw.from)} />
      </label>
      <label>
        To
        <input className="input" name="to" defaultValue={fieldText(raw.to)} />
      </label>
      {error && (
        <p className="error-text" role="alert">
          {error}
        </p>
      )}
      <button type="submit" className="button primary">
        Apply
      </button>
    </form>
  );
}

export function TimeRangePicker({ range }: { range: TimeRange }) {
  const { raw, from, to } = range;
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (menu.current) menu.current.open = false;
  };
  const preset = raw.to === "now" ? PRESETS.find(([value]) => value === raw.from) : undefined;
  const relative = raw.from.startsWith("now") ? `${raw.from} to ${raw.to}` : undefined;
  const span = to - from;
  return (
    <>
      <button
        type="button"
        className="button"
        title="Earlier (t ←)"
        aria-label="Earlier"
        onClick={() => zoomTo(from - span / 2, to - span / 2)}
      >
        ‹
      </button>
      <Menu
        className="range"
        menu={menu}
        summary={
          <span className="button">
            <Icon name="clock" size={14} /> {preset?.[1] ?? relative ?? `${formatTime(from)} – ${formatTime(to)}`}
          </span>
        }
      >
        <Absolute raw={raw} done={close} />
        <div className="range-presets">
          {PRESETS.map(([value, title]) => (
            <button
              key={value}
              type="button"
              className="button quiet"
              aria-pressed={preset?.[0] === value}
              onClick={() => {
                setParams({ from: value, to: "now" });
                close();
              }}
            >
              {title}
            </button>
          ))}
        </div>
      </Menu>
      <button
        type="button"
        className="button"
        title="Zoom out (t z)"
        aria-label="Zoom out"
        onClick={() => zoomTo(from - span / 2, Math.min(Date.now(), to + span / 2))}
      >
        <Icon name="zoomOut" size={14} />
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
