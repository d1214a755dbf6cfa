/** What the API suites ask about: targets of several kinds, rules, alerts, and samples written to both servers. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Labels } from "@pharos/model";
import { encodeWrite, snappyLiteral, type WriteSeries } from "../lib/remote-write.ts";
import { ask, Pair, Single } from "./pair.ts";

const OPENMETRICS = `# TYPE requests counter
# UNIT requests ""
# HELP requests Requests so far.
requests_total{code="200"} 10 # {trace_id="abc"} 1.5
requests_total{code="500"} 2
# TYPE temperature_celsius gauge
# UNIT temperature_celsius celsius
# HELP temperature_celsius It is "warm".
temperature_celsius 21.5
# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
# HELP latency_seconds How long.
latency_seconds_bucket{le="0.1"} 3 # {trace_id="def"} 0.05
latency_seconds_bucket{le="+Inf"} 4
latency_seconds_sum 1.2
latency_seconds_count 4
# EOF
`.replace('# UNIT requests ""\n', "");

const TEXT = `# HELP requests_total Requests, said otherwise.
# TYPE requests_total counter
requests_total{code="200"} 7
# HELP build_info What it is.
# TYPE build_info gauge
build_info{version="1"} 1
plain 4
`;

async function startTargets(): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/om")) {
      response.setHeader("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8").end(OPENMETRICS);
    } else if (request.url?.startsWith("/text")) {
      response.setHeader("content-type", "text/plain; version=0.0.4").end(TEXT);
    } else if (request.url?.startsWith("/garbage")) {
      response.setHeader("content-type", "text/plain; version=0.0.4").end("a b c d\n{{{");
    } else if (request.url?.startsWith("/blank")) {
      response.setHeader("content-type", "").end(TEXT);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const configText = (port: number): string => `
global:
  scrape_interval: 1s
  evaluation_interval: 1s
  external_labels: {cluster: test, replica: a}
rule_files: [rules/*.yml]
alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
  - static_configs: [{targets: ['127.0.0.1:9', '127.0.0.1:10']}]
    path_prefix: /am
    relabel_configs: [{source_labels: [__address__], regex: '.*:10', action: drop}]
scrape_configs:
- job_name: om
  metrics_path: /om
  params: {module: [a, b]}
  static_configs: [{targets: ['127.0.0.1:${port}'], labels: {zone: eu}}]
- job_name: text
  metrics_path: /text
  static_configs: [{targets: ['127.0.0.1:${port}', 'dropped.example:80'], labels: {zone: us}}]
  relabel_configs:
  - {source_labels: [__address__], regex: 'dropped.*', action: drop}
  - {target_label: added, replacement: 'by-rule'}
- job_name: garbage
  metrics_path: /garbage
  static_configs: [{targets: ['127.0.0.1:${port}']}]
- job_name: blank
  metrics_path: /blank
  static_configs: [{targets: ['127.0.0.1:${port}']}]
- job_name: missing
  metrics_path: /missing
  static_configs: [{targets: ['127.0.0.1:${port}']}]
- job_name: refused
  scrape_timeout: 500ms
  static_configs: [{targets: ['127.0.0.1:9']}]
- job_name: limited
  metrics_path: /text
  sample_limit: 1
  keep_dropped_targets: 1
  static_configs: [{targets: ['127.0.0.1:${port}', 'a:1', 'b:1', 'c:1']}]
  relabel_configs: [{source_labels: [__address__], regex: '[abc]:1', action: drop}]
- job_name: empty
  file_sd_configs: [{files: [nothing.json], refresh_interval: 5m}]
`;

const RULES_A = `groups:
- name: recording
  interval: 1s
  limit: 10
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {level: job}
  - record: broken
    expr: label_replace(up, "instance", "", "", "")  + on () group_left () vector(1)
- name: alerts
  rules:
  - alert: Firing
    expr: up{job="missing"} == 0
    labels: {severity: page, job: 'x{{ $labels.job }}'}
    annotations: {summary: '{{ $labels.instance | len }} {{ $value }}'}
  - alert: Waiting
    expr: up{job="refused"} == 0
    for: 1h
    keep_firing_for: 5m
  - alert: Silent
    expr: up == 7
    annotations: {summary: nothing}
`;

const RULES_B = `groups:
- name: second
  query_offset: 1s
  labels: {team: a}
  rules:
  - record: job:up:sum
    expr: count(up)
  - alert: Firing
    expr: vector(1)
    labels: {severity: info}
`;

/** Seconds that the written samples lie before now, and their distance. */
export const SPAN_SECONDS = 600;
export const STEP_SECONDS = 15;

function written(end: number): WriteSeries[] {
  const out: WriteSeries[] = [];
  for (const [name, count] of [
    ["disk_bytes", 4],
    ["cpu_seconds_total", 3],
    ["utf8.name", 1],
  ] as const) {
    for (let i = 0; i < count; i++) {
      const samples = [];
      for (let t = end - SPAN_SECONDS; t <= end; t += STEP_SECONDS) {
        samples.push({ time: t * 1000, value: (t - end + SPAN_SECONDS) * (i + 1) + 0.5 });
      }
      const labels = Labels.fromEntries([
        ["__name__", name],
        ["host", `h${i}`],
        ["path", i % 2 === 0 ? "/" : "/var"],
        ...(i === 3 ? ([["dot.ted", "é"]] as const) : []),
      ]);
      out.push({ labels, samples, exemplar: i === 0 ? 42 : undefined });
    }
  }
  return out;
}

const FLAGS = [
  "--web.enable-remote-write-receiver",
  "--web.enable-admin-api",
  "--web.enable-lifecycle",
  "--web.external-url=http://prom.example/",
  "--web.console.templates=consoles",
  "--enable-feature=exemplar-storage",
];

/** One or two servers that scrape the targets and have been written the samples. */
export interface ApiWorld<S extends AsyncDisposable> extends AsyncDisposable {
  servers: S;
  /** Unix seconds of the newest written sample. */
  end: number;
}

/** `start` starts the servers and tells their ports. */
async function openWorld<S extends AsyncDisposable>(
  start: (config: { config: string; files: Record<string, string>; flags: string[] }) => Promise<S>,
  ports: (servers: S) => number[],
): Promise<ApiWorld<S>> {
  const { server, port } = await startTargets();
  const stopTargets = (): void => {
    server.closeAllConnections();
    server.close();
  };
  try {
    const files = { "rules/a.yml": RULES_A, "rules/b.yml": RULES_B };
    const servers = await start({ config: configText(port), files, flags: FLAGS });
    const end = Math.floor(Date.now() / 1000 / STEP_SECONDS) * STEP_SECONDS - 30;
    const body = snappyLiteral(encodeWrite(written(end)));
    const headers = {
      "content-type": "application/x-protobuf",
      "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0",
    };
    for (const each of ports(servers)) {
      const { status, body: text } = await ask(each, "/api/v1/write", { method: "POST", headers, body });
      if (status !== 204) throw new Error(`samples were refused: ${status} ${text}`);
    }
    // Some scrapes and evaluations of everything.
    await sleep(6000);
    return {
      servers,
      end,
      async [Symbol.asyncDispose]() {
        await servers[Symbol.asyncDispose]();
        stopTargets();
      },
    };
  } catch (error) {
    stopTargets();
    throw error;
  }
}

export const openPairWorld = (peers: string): Promise<ApiWorld<Pair>> =>
  openWorld(
    (options) => Pair.start({ ...options, peers }),
    ({ peer, own }) => [peer.port, own.port],
  );

export const openOwnWorld = (): Promise<ApiWorld<Single>> =>
  openWorld(
    (options) => Single.start(options),
    ({ own }) => [own.port],
  );
