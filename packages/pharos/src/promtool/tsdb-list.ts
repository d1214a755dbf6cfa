/** `tsdb list`: the blocks of a directory. */
import type { FlagSpecs } from "@pharos/kit";
import { formatBytes } from "@pharos/kit";
import { formatGoDuration } from "@pharos/model";
import { openReadOnly, type ReadOnlyDb } from "@pharos/tsdb";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { SUCCESS } from "./exit.ts";

export const DEFAULT_DIR = "data/";

export const READABLE_FLAG = {
  "human-readable": { type: "boolean", short: "r", help: "Print human readable values." },
} as const satisfies FlagSpecs;

const HEADER = ["BLOCK ULID", "MIN TIME", "MAX TIME", "DURATION", "NUM SAMPLES", "NUM CHUNKS", "NUM SERIES", "SIZE"];

function timeText(ms: number, readable: boolean): string {
  if (!readable) return String(ms);
  return `${new Date(Math.trunc(ms / 1000) * 1000).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** Columns at least 13 wide, two spaces apart; the last one is not filled. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = HEADER.map((_, i) => Math.max(13, ...rows.map((row) => row[i].length + 2)));
  return rows
    .map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]))).join("")}\n`)
    .join("");
}

/** Lines of the blocks with these names, all of them without. */
export function blockTable(db: ReadOnlyDb, readable: boolean, only?: ReadonlySet<string>): string {
  const rows = db
    .blocks()
    .filter(({ ulid }) => !only || only.has(ulid))
    .map(({ ulid, minTime, maxTime, stats }) => {
      const bytes = db.blockBytes(ulid);
      return [
        ulid,
        timeText(minTime, readable),
        timeText(maxTime, readable),
        formatGoDuration(maxTime - minTime),
        String(stats.numSamples),
        String(stats.numChunks),
        String(stats.numSeries),
        readable ? formatBytes(bytes) : String(bytes),
      ];
    });
  return columns([HEADER, ...rows]);
}

export const tsdbList: Subcommand = {
  path: "tsdb list",
  summary: "List tsdb blocks.",
  usage: "[DIR]",
  args: { min: 0, max: 1 },
  flags: READABLE_FLAG,
  async run(invocation) {
    const { args, write } = invocation;
    using db = await openReadOnly({ dir: args[0] ?? DEFAULT_DIR, withHead: false });
    write(blockTable(db, valuesOf(READABLE_FLAG, invocation.values)["human-readable"]));
    return SUCCESS;
  },
};
