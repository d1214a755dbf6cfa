/**
 * The long form of the crash test, by hand: `node packages/tsdb/src/crash.long.ts [ROUNDS] [SEED]`. A child writes samples over
 * many hours of data, in order and late, so that blocks, checkpoints and merges happen all the time, says what was
 * acknowledged, and is killed at a random moment. Every acknowledged sample must be there afterwards.
 *
 * Every third round the log or the head's chunk files are then damaged: cut short, a bit flipped, a page written over. The
 * database must open all the same, say what was damaged, and have lost no more than what stood in damaged pages: the
 * samples of other pages are there. Exits 1 at the first breach and keeps the folder.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import { type DbOptions, openDb } from "./db.ts";

const STEP = 60_000;
const SERIES = 20;
const WINDOW_MS = 3600_000;
const PAGE = 32_768;
const [mode, dirOrSeed, kind] = process.argv.slice(2);

/** Ten rounds of each kind follow one another in the same folder. */
const KINDS: Readonly<Record<string, Partial<DbOptions>>> = {
  plain: {},
  snapshots: { snapshotOnShutdown: true },
  starts: { floatEncoding: "xor2", storeStartTimestamps: true },
  all: { floatEncoding: "xor2", storeStartTimestamps: true, snapshotOnShutdown: true },
};

if (mode === "--write") {
  const db = await openDb({ dir: dirOrSeed, outOfOrderTimeWindowMs: WINDOW_MS, ...KINDS[kind] });
  const last = db.headStats().maxTime;
  for (let time = last > 0 ? last + STEP : STEP; ; time += STEP) {
    const appender = db.appender();
    for (let i = 0; i < SERIES; i++) {
      const ref = appender.series(Labels.from({ __name__: "m", i: String(i) }));
      appender.appendStartTimestamp(ref, time, STEP);
      appender.append(ref, time, time / STEP);
      if (time % (5 * STEP) === 0 && time > 40 * STEP) appender.append(ref, time - 30 * STEP - 1, time);
    }
    appender.commit();
    process.stdout.write(`${time}\n`);
    if ((time / STEP) % 60 === 0) await db.compact();
  }
}

const rounds = Number(mode ?? 300);
let seed = Number(dirOrSeed ?? 1);
const random = (below: number): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % below;
};
const folder = mkdtempSync(join(tmpdir(), "pharos-crash-"));
/** Times acknowledged and not lost to damage that was done on purpose. */
let acknowledged = new Set<number>();
let damaged = 0;
let reported = 0;
let given = 0;
/** The log may be damaged where nobody has read it since, as a snapshot had what stands there. */
let unread = false;

/** Damages one file of the log, of the head's chunks or of a snapshot; answers whether it was one of the log. */
function damage(): boolean | undefined {
  const snapshot = readdirSync(folder).find((name) => name.startsWith("chunk_snapshot."));
  const kind = snapshot && random(3) === 0 ? snapshot : random(4) === 0 ? "chunks_head" : "wal";
  const files = readdirSync(join(folder, kind))
    .filter((name) => /^\d+$/.test(name))
    .map((name) => join(folder, kind, name))
    .filter((file) => statSync(file).size > 64);
  if (files.length === 0) return undefined;
  const file = files[random(files.length)];
  const { size } = statSync(file);
  switch (random(3)) {
    case 0:
      truncateSync(file, size - 1 - random(Math.min(size - 1, 5000)));
      break;
    case 1: {
      const fd = openSync(file, "r+");
      const byte = Buffer.alloc(1);
      const at = random(size);
      readSync(fd, byte, 0, 1, at);
      byte[0] ^= 1 << random(8);
      writeSync(fd, byte, 0, 1, at);
      closeSync(fd);
      break;
    }
    default: {
      const fd = openSync(file, "r+");
      const page = Math.floor(random(size) / PAGE) * PAGE;
      writeSync(fd, Buffer.alloc(Math.min(PAGE, size - page), 0xa5), 0, Math.min(PAGE, size - page), page);
      closeSync(fd);
    }
  }
  damaged++;
  return kind === "wal";
}

function fail(text: string): never {
  console.error(`${text}; see ${folder}`);
  process.exit(1);
}

for (let round = 1; round <= rounds; round++) {
  const name = Object.keys(KINDS)[Math.floor(round / 10) % 4];
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", import.meta.filename, "--write", folder, name],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  await Promise.race([
    new Promise((resolve) => child.stdout.once("data", resolve)),
    new Promise((resolve) => child.once("close", resolve)),
  ]);
  if (child.exitCode !== null) fail(`round ${round}: the writer did not start`);
  await new Promise((resolve) => setTimeout(resolve, random(900)));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  for (const line of output.split("\n").slice(0, -1)) acknowledged.add(Number(line));
  const hurt = round % 3 === 0 ? damage() : undefined;
  if (hurt) unread = true;
  await using db = await openDb({ dir: folder, outOfOrderTimeWindowMs: WINDOW_MS, ...KINDS[name] });
  reported += db.corruptions.length > 0 ? 1 : 0;
  using querier = db.querier(0, 1e15);
  const buffer = new SampleBuffer();
  const series = await querier.select([new Matcher("=", "__name__", "m")]);
  if (series.length !== SERIES) fail(`round ${round}: ${series.length} series instead of ${SERIES}`);
  let left: Set<number> | undefined;
  for (const one of series) {
    buffer.clear();
    one.read(0, 1e15, buffer);
    const there = new Set<number>();
    for (let i = 0; i < buffer.length; i++) {
      const time = buffer.timestamps[i];
      there.add(time);
      if (i > 0 && time <= buffer.timestamps[i - 1]) fail(`round ${round}: ${one.labels} is not in order at ${time}`);
      const expected = time % STEP === 0 ? time / STEP : time + 30 * STEP + 1;
      if (buffer.values[i] !== expected) fail(`round ${round}: ${one.labels} has ${buffer.values[i]} at ${time}`);
    }
    const lost = [...acknowledged].filter((time) => !there.has(time));
    if (lost.length > 0 && !unread) fail(`round ${round}: ${one.labels} lost ${lost.length}, the first at ${lost[0]}`);
    // Two pages of packed records, at most, stood in what was damaged.
    if (lost.length > 0 && db.corruptions.length === 0) fail(`round ${round}: ${lost.length} lost without a report`);
    if (left && left.size !== there.size) fail(`round ${round}: series of the same transactions differ`);
    left = there;
  }
  if (!KINDS[name].snapshotOnShutdown) unread = false;
  given += acknowledged.size - [...acknowledged].filter((time) => left!.has(time)).length;
  acknowledged = new Set([...acknowledged].filter((time) => left!.has(time)));
  if (round % 10 === 0) {
    console.log(
      `round ${round}: ${acknowledged.size * SERIES} samples there, ${db.blocks().length} blocks, ${damaged} times damaged, ${reported} reported, ${given * SERIES} samples lost to it`,
    );
  }
}
rmSync(folder, { recursive: true });
