/** What the flow shows of a Prometheus and an Alertmanager in other pods, asked for over their own HTTP APIs. */
import type { AlertmanagerFacts, PoolFacts, PrometheusFacts } from "@pharos/explain";
import { parseDuration } from "@pharos/model";
import { request } from "undici";

const TIMEOUT_MS = 5_000;
/** Largest page of metrics that is read, in characters. */
const MAX_METRICS = 8 * 2 ** 20;

async function text(url: string, signal?: AbortSignal): Promise<string> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await request(url, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
  const body = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${url}: HTTP status ${answer.statusCode}`);
  return body;
}

async function json<T>(url: string, signal?: AbortSignal): Promise<T> {
  return JSON.parse(await text(url, signal)) as T;
}

/** Sums over all series of the metrics that are asked for. */
async function metricSums(url: string, signal?: AbortSignal): Promise<(name: string) => number> {
  const sums = new Map<string, number>();
  for (const line of (await text(`${url}/metrics`, signal)).slice(0, MAX_METRICS).split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line);
    if (match) sums.set(match[1], (sums.get(match[1]) ?? 0) + Number(match[2]));
  }
  return (name) => sums.get(name) ?? 0;
}

interface Target {
  scrapePool: string;
  labels: { job?: string };
  health: string;
  lastError: string;
  scrapeInterval: string;
}

function poolsOf(targets: readonly Target[]): PoolFacts[] {
  const pools = new Map<string, PoolFacts>();
  for (const { scrapePool, labels, health, lastError, scrapeInterval } of targets) {
    let pool = pools.get(scrapePool);
    if (!pool) {
      pool = {
        name: scrapePool,
        emptyReason: "",
        job: labels.job ?? scrapePool,
        up: 0,
        down: 0,
        unknown: 0,
        lastError: "",
        lastErrorFix: "",
        samples: 0,
        interval: parseDuration(scrapeInterval) / 1000,
      };
      pools.set(scrapePool, pool);
    }
    pool[health === "up" ? "up" : health === "down" ? "down" : "unknown"] += 1;
    if (health === "down") pool.lastError ||= lastError;
  }
  return [...pools.values()];
}

interface Rule {
  name: string;
  type: string;
  state?: string;
  health: string;
  lastError?: string;
  alerts?: { state: string }[];
}

function rulesOf(groups: readonly { name: string; rules: Rule[] }[]): PrometheusFacts["rules"] {
  const all = groups.flatMap(({ name, rules }) => rules.map((rule) => ({ group: name, rule })));
  const alerts = all.flatMap(({ rule }) => rule.alerts ?? []);
  return {
    groups: groups.length,
    alerting: all.filter(({ rule }) => rule.type === "alerting").length,
    recording: all.filter(({ rule }) => rule.type === "recording").length,
    pending: alerts.filter(({ state }) => state === "pending").length,
    firing: alerts.filter(({ state }) => state === "firing").length,
    failing: all
      .filter(({ rule }) => rule.health === "err")
      .map(({ group, rule }) => ({ group, rule: rule.name, error: rule.lastError ?? "" })),
  };
}

export interface Place {
  namespace: string;
  name: string;
  /** Base URL without a trailing slash. */
  url: string;
}

export async function askPrometheus({ namespace, name, url }: Place, signal?: AbortSignal): Promise<PrometheusFacts> {
  const [targets, rules, alertmanagers, sums] = await Promise.all([
    json<{ data: { activeTargets: Target[] } }>(`${url}/api/v1/targets?state=active`, signal),
    json<{ data: { groups: { name: string; rules: Rule[] }[] } }>(`${url}/api/v1/rules`, signal),
    json<{ data: { activeAlertmanagers: { url: string }[] } }>(`${url}/api/v1/alertmanagers`, signal),
    metricSums(url, signal),
  ]);
  const successful = sums("prometheus_config_last_reload_successful") !== 0;
  return {
    namespace,
    name,
    pools: poolsOf(targets.data.activeTargets),
    series: sums("prometheus_tsdb_head_series"),
    rules: rulesOf(rules.data.groups),
    notifications: {
      sent: sums("prometheus_notifications_sent_total"),
      failed: sums("prometheus_notifications_errors_total"),
      dropped: sums("prometheus_notifications_dropped_total"),
      queued: sums("prometheus_notifications_queue_length"),
      alertmanagers: alertmanagers.data.activeAlertmanagers.map((one) => one.url),
    },
    reload: { successful, message: successful ? "" : "the last reload failed: its log says why" },
  };
}

export async function askAlertmanager(
  { namespace, name, url }: Place,
  signal?: AbortSignal,
): Promise<AlertmanagerFacts> {
  const [alerts, silences, groups, receivers, sums] = await Promise.all([
    json<{ status: { state: string } }[]>(`${url}/api/v2/alerts`, signal),
    json<{ status: { state: string } }[]>(`${url}/api/v2/silences`, signal),
    json<unknown[]>(`${url}/api/v2/alerts/groups`, signal),
    json<{ name: string }[]>(`${url}/api/v2/receivers`, signal),
    metricSums(url, signal),
  ]);
  const successful = sums("alertmanager_config_last_reload_successful") !== 0;
  return {
    namespace,
    name,
    active: alerts.filter(({ status }) => status.state === "active").length,
    suppressed: alerts.filter(({ status }) => status.state === "suppressed").length,
    silences: silences.filter(({ status }) => status.state === "active").length,
    groups: groups.length,
    // The API names receivers, not what they consist of.
    receivers: receivers.map((receiver) => ({
      name: receiver.name,
      integrations:
        receiver.name === "null"
          ? []
          : [
              {
                type: receiver.name,
                sent: sums("alertmanager_notifications_total"),
                failed: sums("alertmanager_notifications_failed_total"),
                lastError: "",
                lastSentAt: 0,
              },
            ],
    })),
    reload: { successful, message: successful ? "" : "the last reload failed: its log says why" },
  };
}
