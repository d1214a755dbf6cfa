/** `tsdb create-blocks-from openmetrics`: blocks made of a file of samples with timestamps. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OpenMetricsReader } from "@pharos/exposition";
import type { FlagSpecs } from "@pharos/kit";
import { AppendResult, describeError, LabelsBuilder, UserError } from "@pharos/model";
import { openDb, openReadOnly } from "@pharos/tsdb";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { readPairs } from "./api.ts";
import { SUCCESS } from "./exit.ts";
import { blockTable, DEFAULT_DIR, READABLE_FLAG } from "./tsdb-list.ts";

const FLAGS = {
  ...READABLE_FLAG,
  quiet: { type: "boolean", short: "q", help: "Do not print created blocks." },
  label: {
    type: "string",
    multiple: true,
    help: "Label to attach to metrics, NAME=VALUE; may be given several times.",
  },
  "max-block-duration": {
    type: "duration",
    help: "Maximum duration created blocks may span; at least 2h.",
    hidden: true,
  },
} as const satisfies FlagSpecs;

const BLOCK_MS = 2 * 3_600_000;
/** As compaction does: each level three times the one below, up to ten. */
const LEVELS = 10;
/** Samples of one transaction: more would only wait in memory. */
const BATCH = 5_000;

/** The longest of the lengths that compaction makes and that is not longer than asked for. */
function blockLength(longest: number | undefined): number {
  let length = BLOCK_MS;
  for (let level = 1; level < LEVELS && length * 3 <= (longest ?? 0); level++) length *= 3;
  return length;
}

function fault(message: string, cause?: unknown): UserError {
  return new UserError("pharos.import", message, {
    fix: "Every sample needs a timestamp, and the file ends with # EOF",
    cause,
  });
}

/** Calls back for each sample of the file, with the reader on it. */
function eachSample(body: Buffer, take: (reader: OpenMetricsReader, timestamp: number) => void): void {
  const reader = new OpenMetricsReader(body);
  for (let kind = reader.next(); kind !== "end"; kind = reader.next()) {
    if (kind !== "series") continue;
    if (reader.timestamp === undefined) throw fault(`expected timestamp for series ${reader.labels()}, got none`);
    take(reader, reader.timestamp);
  }
}

/** Starts of the blocks that have samples, ascending. */
function blockStarts(body: Buffer, length: number): number[] {
  const starts = new Set<number>();
  eachSample(body, (_reader, timestamp) => starts.add(Math.floor(timestamp / length) * length));
  return [...starts].sort((a, b) => a - b);
}

/** Writes the samples of `[start, start + length)` as a block into `target`; its name. */
async function writeBlock(
  body: Buffer,
  { start, length, labels, target }: { start: number; length: number; labels: Record<string, string>; target: string },
): Promise<string[]> {
  // Beside the blocks, so that a finished one is there by a rename.
  const work = mkdtempSync(join(target, ".import-"));
  try {
    await using db = await openDb({ dir: join(work, "db"), lock: false });
    let appender = db.appender();
    let count = 0;
    eachSample(body, (reader, timestamp) => {
      if (timestamp < start || timestamp >= start + length) return;
      const builder = new LabelsBuilder(reader.labels());
      for (const [name, value] of Object.entries(labels)) builder.set(name, value);
      const series = builder.build();
      const result = appender.append(appender.series(series), timestamp, reader.value);
      if (result !== AppendResult.ok) {
        throw fault(`add sample: ${series} at ${timestamp} is not newer than the one before it`);
      }
      if (++count % BATCH > 0) return;
      appender.commit();
      appender = db.appender();
    });
    appender.commit();
    const folder = join(work, "snapshot");
    const blocks = join(folder, await db.snapshot(folder, true));
    const names = readdirSync(blocks);
    for (const name of names) renameSync(join(blocks, name), join(target, name));
    return names;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export const importOpenMetrics: Subcommand = {
  path: "tsdb create-blocks-from openmetrics",
  summary: "Import samples from OpenMetrics input and produce TSDB blocks.",
  usage: "FILE [DIR]",
  args: { min: 1, max: 2 },
  flags: FLAGS,
  async run(invocation) {
    const { args, write } = invocation;
    const values = valuesOf(FLAGS, invocation.values);
    const [file, target = DEFAULT_DIR] = args;
    let body: Buffer;
    try {
      body = readFileSync(file);
    } catch (error) {
      throw fault(`cannot read ${file}: ${describeError(error)}`, error);
    }
    const length = blockLength(values["max-block-duration"]);
    const labels = readPairs(values.label);
    const starts = blockStarts(body, length);
    mkdirSync(target, { recursive: true });
    const made = new Set<string>();
    const progress = process.stderr.isTTY ? (text: string) => process.stderr.write(`\r${text}`) : () => {};
    for (const [i, start] of starts.entries()) {
      progress(`block ${i + 1} of ${starts.length} …`);
      for (const name of await writeBlock(body, { start, length, labels, target })) made.add(name);
    }
    if (starts.length > 0) progress(`${starts.length} blocks      \n`);
    if (values.quiet || made.size === 0) return SUCCESS;
    using db = await openReadOnly({ dir: target, withHead: false });
    write(blockTable(db, values["human-readable"], made));
    return SUCCESS;
  },
};
