/** What a real Prometheus and Pharos say after scraping the same targets for a while. */
import { difference } from "./difference.ts";
import type { Pair } from "./pair.ts";
import { FLAP, type SentAlert, type SideTargets, VANISH_AFTER } from "./side-targets.ts";

export interface Case {
  name: string;
  found: string | undefined;
}

interface Sample {
  metric: Record<string, string>;
  value?: [number, string];
  histogram?: [number, unknown];
}

/** Series whose values are times, or counts of what was there before. */
const TIMED = /^(scrape_duration_seconds|scrape_series_added|ALERTS_FOR_STATE|scrape_body_size_bytes)$/;
const TIME_FIELDS = new Set([
  "lastScrape",
  "lastScrapeDuration",
  "evaluationTime",
  "lastEvaluation",
  "activeAt",
  "keepFiringSince",
]);
/** What the peer, which is older, does not tell or tells otherwise. */
const NEWER = new Set([
  "__scrape_native_histograms__",
  "__always_scrape_classic_histograms__",
  "__convert_classic_histograms_to_nhcb__",
  "limit",
]);
const UNORDERED = new Set(["activeTargets", "droppedTargets", "alerts", "data"]);

function strip(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => strip(item));
    return UNORDERED.has(key) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name, inner]) =>
      !TIME_FIELDS.has(name) && !NEWER.has(name) && !(name === "labels" && JSON.stringify(inner) === "{}"),
  );
  return Object.fromEntries(entries.map(([name, inner]) => [name, strip(inner, name)]).sort());
}

const keyOf = (metric: Record<string, string>): string => JSON.stringify(Object.entries(metric).sort());

function byKey(samples: readonly Sample[]): Map<string, string> {
  return new Map(
    samples.map(({ metric, value, histogram }) => {
      const shown = TIMED.test(metric.__name__ ?? "") ? "" : JSON.stringify(value?.[1] ?? histogram?.[1]);
      return [keyOf(metric), shown];
    }),
  );
}

/** The first differences of two sets of series, and how many there are. */
function compareSeries(peer: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>): string | undefined {
  const found: string[] = [];
  for (const [key, value] of peer) {
    if (!own.has(key)) found.push(`${key} is only there`);
    else if (own.get(key) !== value) found.push(`${key}: ${value} there, ${own.get(key)} here`);
  }
  for (const key of own.keys()) if (!peer.has(key)) found.push(`${key} is only here`);
  return found.length === 0 ? undefined : `${found.length} differ: ${found.slice(0, 3).join("; ").slice(0, 700)}`;
}

async function json<T>(pair: Pair, path: string): Promise<{ peer: T; own: T }> {
  const { peer, own } = await pair.both(path);
  const parse = (body: Buffer): T => (JSON.parse(body.toString()) as { data: T }).data;
  return { peer: parse(peer.body), own: parse(own.body) };
}

async function instant(pair: Pair, query: string, time: number) {
  const path = `/api/v1/query?query=${encodeURIComponent(query)}&time=${time}`;
  const { peer, own } = await json<{ result: Sample[] }>(pair, path);
  return compareSeries(byKey(peer.result), byKey(own.result));
}

/** What was sent of each alert, and whether it was told to be over. */
function sentBy(alerts: readonly SentAlert[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const { labels, annotations, startsAt, endsAt, generatorURL, ...rest } of alerts) {
    const key = keyOf(labels);
    // The end of a firing alert lies ahead of what it is sent at; upstream's four times the delay.
    const over = Date.parse(endsAt) <= Date.now() ? "ended" : "firing";
    const valid = Date.parse(startsAt) <= Date.parse(endsAt);
    const states = new Set([...(out.get(key)?.split("|")[1]?.split(",") ?? []), over].sort());
    out.set(key, `${JSON.stringify([annotations, generatorURL, Object.keys(rest), valid])}|${[...states].join(",")}`);
  }
  return out;
}

/** Compares after a run that began at `started` and ended at `ended`, Unix seconds. */
export async function compareRun(
  pair: Pair,
  targets: SideTargets,
  jobs: readonly string[],
  started: number,
  ended: number,
): Promise<Case[]> {
  const cases: Case[] = [];
  const add = (name: string, found: string | undefined): void => void cases.push({ name, found });
  const window = `start=${started}&end=${ended}`;
  for (const job of jobs) {
    const selector = encodeURIComponent(`{job=${JSON.stringify(job)}}`);
    const series = await json<Record<string, string>[]>(pair, `/api/v1/series?match[]=${selector}&${window}`);
    const keys = (list: readonly Record<string, string>[]): Map<string, string> =>
      new Map(list.map((metric) => [keyOf(metric), ""]));
    add(`${job}: series`, compareSeries(keys(series.peer), keys(series.own)));
    add(`${job}: values`, await instant(pair, `{job=${JSON.stringify(job)}}`, ended - 1));
  }
  // Staleness: what was there in the middle of each stretch.
  const moments = {
    "before the flap": 12,
    "in the flap": FLAP.from + 6,
    "after the flap": FLAP.to + 4,
    "after vanishing": VANISH_AFTER + 8,
  };
  for (const [name, age] of Object.entries(moments)) {
    if (started + age > ended) continue;
    add(`staleness ${name}`, await instant(pair, '{job=~"flapping|vanishing"}', started + age));
  }
  add("alerts as they are sent", compareSeries(sentBy(targets.alerts.peer), sentBy(targets.alerts.own)));
  add("some were sent", targets.alerts.peer.length > 0 ? undefined : "none");
  const [found, metadata, perTarget, rules, alerts, pools] = await Promise.all([
    json<unknown>(pair, "/api/v1/targets"),
    json<unknown>(pair, "/api/v1/metadata"),
    json<unknown>(pair, "/api/v1/targets/metadata"),
    json<unknown>(pair, "/api/v1/rules"),
    json<unknown>(pair, "/api/v1/alerts"),
    json<unknown>(pair, "/api/v1/scrape_pools"),
  ]);
  const api = { targets: found, metadata, "targets/metadata": perTarget, rules, alerts, scrape_pools: pools };
  for (const [name, { peer, own }] of Object.entries(api)) {
    add(`api ${name}`, difference(strip(peer, "data"), strip(own, "data")));
  }
  for (const query of ["job:up:sum", "job:up:copy", "flapping:copy", "ALERTS", "too_many", "count by (job) (up)"]) {
    add(`rules: ${query}`, await instant(pair, query, ended - 1));
  }
  const exemplars = await json<unknown>(
    pair,
    `/api/v1/query_exemplars?query=${encodeURIComponent('{job="openmetrics"}')}&${window}`,
  );
  const withoutTime = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "timestamp" ? undefined : inner)));
  add("exemplars", difference(withoutTime(exemplars.peer), withoutTime(exemplars.own)));
  return cases;
}
