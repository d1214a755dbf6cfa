/**
 * The long form of the crash test, by hand: `node packages/tsdb/src/crash.long.ts [ROUNDS]`. A child writes samples over many
 * hours of data, so that blocks, checkpoints and merges happen all the time, says what was acknowledged, and is killed at a
 * random moment; every acknowledged sample must be there afterwards. Exits 1 at the first loss and keeps the folder.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import { openDb } from "./db.ts";

const STEP = 60_000;
const SERIES = 20;
const [mode, dir] = process.argv.slice(2);

if (mode === "--write") {
  const db = await openDb({ dir });
  const last = db.headStats().maxTime;
  for (let time = last > 0 ? last + STEP : STEP; ; time += STEP) {
    const appender = db.appender();
    for (let i = 0; i < SERIES; i++) {
      appender.append(appender.series(Labels.from({ __name__: "m", i: String(i) })), time, time / STEP);
    }
    appender.commit();
    process.stdout.write(`${time}\n`);
    if ((time / STEP) % 60 === 0) await db.compact();
  }
}

const rounds = Number(mode ?? 30);
const folder = mkdtempSync(join(tmpdir(), "pharos-crash-"));
const acknowledged = new Set<number>();
for (let round = 1; round <= rounds; round++) {
  const child = spawn(process.execPath, [import.meta.filename, "--write", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 1500));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  for (const line of output.split("\n").slice(0, -1)) acknowledged.add(Number(line));
  await using db = await openDb({ dir: folder });
  using querier = db.querier(0, 1e15);
  const buffer = new SampleBuffer();
  const series = querier.select([new Matcher("=", "__name__", "m")]);
  for (const one of await series) {
    buffer.clear();
    one.read(0, 1e15, buffer);
    const there = new Set(buffer.timestamps.subarray(0, buffer.length));
    const lost = [...acknowledged].filter((time) => !there.has(time));
    if (lost.length > 0) {
      console.error(
        `round ${round}: ${one.labels} lost ${lost.length} samples, the first at ${lost[0]}; see ${folder}`,
      );
      process.exit(1);
    }
  }
  console.log(`round ${round}: ${acknowledged.size * SERIES} samples there, ${db.blocks().length} blocks`);
}
rmSync(folder, { recursive: true });
