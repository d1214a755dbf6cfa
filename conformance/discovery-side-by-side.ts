/**
 * The same sections given to a real Prometheus and to Pharos, which ask the same servers: what both discover must be the
 * same label sets. Of the mechanisms whose server can be named, those that released builds have. Runs with $PHAROS_PEERS, else ../peers/bin, a folder with `prometheus` in it.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TargetLabels } from "@pharos/model";
import { freePort } from "./alertmanager/real.ts";
import { recordedCases } from "./discovery/recorded.ts";
import { REGISTRIES } from "./discovery/registries.ts";
import { type Answered, lookUp, type Serving, serve, withAddress } from "./discovery/serve.ts";
import type { Suite, SuiteResult } from "./suite.ts";

/** Labels that came with releases after the peer's, 3.5. */
const NEWER = /^__meta_(docker_container_image(_id)?|ec2_default_ipv6_address)$/;
/** What the peer's release cannot read: it knows no IPv6 of Docker's, and ends at a service that runs no container. */
const NEWER_CASES = new Set(["docker, IPv6", "dockerswarm services, plugin"]);
/** Targets that differ in what discovery says of them alone are one to scraping, unless it is kept. */
const RELABEL = "relabel_configs: [{action: labelmap, regex: '__meta_(.+)'}]";
/** What scraping adds to discovered labels, unless discovery itself sets it. */
const OF_SCRAPING = new Set(["__scrape_interval__", "__scrape_timeout__", "job"]);
const DEFAULTS: Readonly<Record<string, string>> = { __scheme__: "http", __metrics_path__: "/metrics" };
const PATIENCE_MS = 30_000;

interface ActiveTarget {
  discoveredLabels: TargetLabels;
}

/** Discovered labels without what scraping adds. */
function bare(labels: TargetLabels): string {
  const kept = Object.entries(labels).filter(
    ([name, value]) => !OF_SCRAPING.has(name) && DEFAULTS[name] !== value && value !== "" && !NEWER.test(name),
  );
  return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a real Prometheus discovers, by job. */
async function real(program: string, config: string, jobs: readonly string[]): Promise<Map<string, TargetLabels[]>> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-sd-peer-"));
  const port = await freePort();
  writeFileSync(join(folder, "prometheus.yml"), config);
  const process = spawn(
    program,
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  const found = new Map<string, TargetLabels[]>();
  try {
    for (let waited = 0; waited < PATIENCE_MS; waited += 500) {
      await sleep(500);
      const url = `http://127.0.0.1:${port}/api/v1/targets?state=any`;
      const answer = await fetch(url).catch(() => undefined);
      if (!answer?.ok) continue;
      const { data } = (await answer.json()) as {
        data: { activeTargets: ActiveTarget[]; droppedTargets: ActiveTarget[] };
      };
      const all = [...data.activeTargets, ...data.droppedTargets].map(({ discoveredLabels }) => discoveredLabels);
      for (const job of jobs)
        found.set(
          job,
          all.filter((labels) => labels.job === job),
        );
      if (jobs.every((job) => (found.get(job)?.length ?? 0) > 0)) break;
    }
  } finally {
    process.kill();
    await new Promise((resolve) => (process.exitCode === null ? process.once("exit", resolve) : resolve(undefined)));
    rmSync(folder, { recursive: true });
  }
  return found;
}

/** The first label set one side alone has, short. */
function difference(ours: readonly string[], theirs: readonly string[]): string {
  const only = (a: readonly string[], b: readonly string[]) => a.find((labels) => !b.includes(labels));
  return `Pharos alone: ${only(ours, theirs) ?? "-"}; Prometheus alone: ${only(theirs, ours) ?? "-"}`;
}

async function compare(folder: string): Promise<SuiteResult> {
  const peers = process.env.PHAROS_PEERS ?? join(dirname(dirname(import.meta.dirname)), "peers", "bin");
  const program = join(peers, "prometheus");
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  if (!existsSync(program)) {
    return { ...result, notRun: "no prometheus to compare with; set PHAROS_PEERS to its folder" };
  }
  // The others have one fixed address, which a real Prometheus would ask.
  const cases = [...recordedCases(folder), ...REGISTRIES].filter(
    ({ name, yaml }) => yaml.includes("$URL") && !NEWER_CASES.has(name),
  );
  const served: { each: Answered; server: Serving; job: string }[] = [];
  try {
    for (const each of cases)
      served.push({ each, server: await serve(each.answer), job: each.name.replace(/\W+/g, "-") });
    const jobs = served.map(
      ({ each, server, job }) =>
        `  - {job_name: ${job}, scrape_interval: 1h, ${RELABEL}, ${withAddress(each.yaml, server.url)}}`,
    );
    const theirs = await real(
      program,
      `scrape_configs:\n${jobs.join("\n")}\n`,
      served.map(({ job }) => job),
    );
    for (const { each, server, job } of served) {
      result.total++;
      const found = await lookUp(each.yaml, server.url);
      const a = Array.isArray(found) ? [...new Set(found.map(bare))].sort() : [found];
      const b = [...new Set((theirs.get(job) ?? []).map(bare))].sort();
      if (b.length > 0 && JSON.stringify(a) === JSON.stringify(b)) result.passed++;
      else result.failures.push(`${each.name}: ${a.length} and ${b.length} targets. ${difference(a, b)}`);
    }
  } finally {
    await Promise.all(served.map(({ server }) => server[Symbol.asyncDispose]()));
  }
  return result;
}

export const suites: Suite[] = [{ name: "discovery-side-by-side", data: "prometheus/discovery", run: compare }];
