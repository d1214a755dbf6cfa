/**
 * Two thousand targets, of which every tenth hangs and every tenth answers garbage: the others are scraped on time, nothing is
 * lost, and memory does not grow with the failures.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, Single } from "./prometheus/pair.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const TARGETS = 2000;
const INTERVAL_SECONDS = 10;
const WARM_SECONDS = 2 * INTERVAL_SECONDS;
const MEASURED_SECONDS = 3 * INTERVAL_SECONDS;
/** Growth of resident memory over the measured time that is still flat, as a share. */
const FLAT = 1.15;

const BODY = Array.from({ length: 20 }, (_, i) => `metric_${i}{a="b"} ${i}\n`).join("");

function answer(request: IncomingMessage, response: ServerResponse): void {
  const kind = Number(/\/(\d+)/.exec(request.url ?? "")?.[1]) % 10;
  // The first kind never answers.
  if (kind === 0) return;
  response.setHeader("content-type", "text/plain; version=0.0.4");
  response.end(kind === 1 ? `{{{${"garbage ".repeat(2000)}` : BODY);
}

const config = (port: number): string => `
global: {scrape_interval: ${INTERVAL_SECONDS}s, scrape_timeout: 5s}
scrape_configs:
- job_name: many
  static_configs:
  - targets: [${Array.from({ length: TARGETS }, (_, i) => `'${i}'`).join(", ")}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __metrics_path__, replacement: '/$1'}
  - {source_labels: [__address__], target_label: instance}
  - {target_label: __address__, replacement: '127.0.0.1:${port}'}
`;

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

async function query(port: number, expr: string): Promise<number> {
  const { body } = await ask(port, `/api/v1/query?query=${encodeURIComponent(expr)}`);
  const { data } = JSON.parse(body.toString()) as { data: { result: { value: [number, string] }[] } };
  return data.result.length === 0 ? 0 : Number(data.result[0].value[1]);
}

async function run(): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const check = (name: string, good: boolean, seen: unknown): void => {
    result.total++;
    if (good) result.passed++;
    else result.failures.push(`${name}: ${seen}`);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await using single = await Single.start({ config: config((server.address() as AddressInfo).port) });
    const { port, pid } = single.own;
    await sleep(WARM_SECONDS * 1000);
    const before = residentBytes(pid);
    await sleep(MEASURED_SECONDS * 1000);
    const after = residentBytes(pid);
    const up = await query(port, 'count(up{job="many"} == 1)');
    const down = await query(port, 'count(up{job="many"} == 0)');
    check("good targets are up", up === TARGETS * 0.8, up);
    check("hanging and garbage ones are down", down === TARGETS * 0.2, down);
    // Over the window each good target has a sample an interval, give or take the one at its edge.
    const scrapes = MEASURED_SECONDS / INTERVAL_SECONDS;
    const missed = await query(
      port,
      `count(count_over_time(metric_0[${MEASURED_SECONDS}s]) < ${scrapes - 1}) or vector(0)`,
    );
    check("no good target missed a scrape", missed === 0, missed);
    const late = await query(port, 'max(scrape_duration_seconds{job="many"} and on (instance) up == 1)');
    check("good targets are not held up", late < 2, late);
    const samples = await query(port, "count(metric_0)");
    check("all good targets' series are there", samples === TARGETS * 0.8, samples);
    check("memory is flat", after < before * FLAT, `${before} bytes became ${after}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return result;
}

export const suites: Suite[] = [{ name: "prometheus-many-targets", data: "prometheus", run }];
