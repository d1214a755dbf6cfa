/**
 * Starting on a log that a kill -9 has left, beside a real Prometheus on a copy of the same directory, by hand:
 * `PHAROS_PEERS=… node packages/tsdb/src/head/replay.bench.ts [SERIES] [SCRAPES]`.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels } from "@pharos/model";
import { openDb } from "../db.ts";

const [mode, second, third, fourth] = process.argv.slice(2);
const PER_TARGET = 1_000;
const INTERVAL = 15_000;

async function write(dir: string, count: number, scrapes: number): Promise<void> {
  const db = await openDb({ dir });
  const start = Date.now() - scrapes * INTERVAL;
  const handles = new Float64Array(count);
  for (let scrape = 0; scrape < scrapes; scrape++) {
    for (let target = 0; target < count / PER_TARGET; target++) {
      const appender = db.appender();
      for (let line = 0; line < PER_TARGET; line++) {
        const i = target * PER_TARGET + line;
        if (scrape === 0) {
          const labels = { __name__: `metric_${line % 250}`, line: String(line), instance: `10.0.${target >> 8}.${target & 255}:9100`, job: `job-${target % 25}`, namespace: `namespace-${target % 60}`, pod: `pod-${target}` }; // biome-ignore format: a list
          handles[i] = appender.series(Labels.from(labels));
        }
        appender.append(handles[i], start + target + scrape * INTERVAL, (line & 1) === 0 ? 7 : scrape * line);
      }
      appender.commit();
    }
  }
  process.kill(process.pid, "SIGKILL");
}

if (mode === "--write") await write(second, Number(third), Number(fourth));

const series = Number(mode ?? 200_000);
const scrapes = Number(second ?? 60);
const dir = mkdtempSync(join(tmpdir(), "pharos-replay-"));
const ours = join(dir, "data");
await new Promise((resolve) => {
  spawn(process.execPath, [import.meta.filename, "--write", ours, String(series), String(scrapes)], {
    stdio: "inherit",
  }).once("exit", resolve);
});
const theirs = join(dir, "copy");
cpSync(ours, theirs, { recursive: true });
const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
{
  const started = performance.now();
  const before = spent();
  await using db = await openDb({ dir: ours, background: true });
  const open = performance.now() - started;
  const appender = db.appender();
  appender.append(appender.series(Labels.from({ __name__: "new" })), Date.now(), 1);
  appender.commit();
  const taken = performance.now() - started;
  await db.replayed;
  console.log(
    `pharos: opens after ${open.toFixed(0)} ms, takes samples after ${taken.toFixed(0)} ms, has everything (${db.headStats().numSeries} series) after ${((performance.now() - started) / 1000).toFixed(2)} s and ${(spent() - before).toFixed(2)} CPU-s`,
  );
}
const peers = process.env.PHAROS_PEERS;
if (peers) {
  writeFileSync(join(dir, "prometheus.yml"), "");
  const child = spawn(join(peers, "prometheus"), [
    `--config.file=${join(dir, "prometheus.yml")}`,
    `--storage.tsdb.path=${theirs}`,
    "--web.listen-address=127.0.0.1:29199",
  ]);
  let output = "";
  child.stderr.on("data", (chunk) => (output += chunk));
  const started = performance.now();
  while (!(await fetch("http://127.0.0.1:29199/-/ready").catch(() => undefined))?.ok) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const text = await (await fetch("http://127.0.0.1:29199/metrics")).text();
  const cpu = /^process_cpu_seconds_total (\S+)/m.exec(text)?.[1];
  console.log(
    `prometheus: ready after ${((performance.now() - started) / 1000).toFixed(2)} s and ${cpu} CPU-s; ${/total_replay_duration=(\S+)/.exec(output)?.[1]} of replay`,
  );
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
}
rmSync(dir, { recursive: true });
