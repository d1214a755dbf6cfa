/**
 * Reading threads against a writer that never rests: series come and go, chunks close, late samples arrive, the head is cut into
 * blocks and these are merged, all within seconds, so that memory and files are given back and used again under the readers'
 * hands. Every sample says what it has to be; every selection must show whole transactions only, and all of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Labels } from "@pharos/model";
import { openDb } from "../db.ts";

export const STEP = 1_000;
const RANGE = 120_000;
/** Series that are there from the start to the end. */
const STEADY = 60;
/** Series that are there for one generation. */
const BRIEF = 40;
const GENERATION_STEPS = 90;
/** Every sixth transaction brings a sample this much behind. */
export const LATE_BY = 20 * STEP + 1;
const KEPT_STEPS = 900;

/** The value of a series at a time: sometimes a whole number, sometimes all bits. */
export function valueAt(series: string, time: number): number {
  let hash = 7;
  for (let i = 0; i < series.length; i++) hash = (hash * 31 + series.charCodeAt(i)) % 65_521;
  return hash % 3 === 0 ? hash + Math.floor(time / STEP) : Math.sin(hash + time) * 10 ** (hash % 9);
}

export interface StressReport {
  selections: number;
  samples: number;
  transactions: number;
  blocks: number;
  problems: string[];
}

/** Runs for `milliseconds` with so many reading threads, and on until there were so many selections and transactions. */
export async function stress(
  milliseconds: number,
  threads: number,
  least: Pick<StressReport, "selections" | "transactions"> = { selections: 0, transactions: 0 },
): Promise<StressReport> {
  const dir = mkdtempSync(join(tmpdir(), "pharos-threads-"));
  const report: StressReport = { selections: 0, samples: 0, transactions: 0, blocks: 0, problems: [] };
  try {
    await using db = await openDb({
      dir,
      threads: true,
      minBlockMs: RANGE,
      maxBlockMs: 3 * RANGE,
      outOfOrderTimeWindowMs: 60 * STEP,
      retentionMs: KEPT_STEPS * STEP,
      // As old as the data are, not as the clock is.
      now: () => time,
    });
    let time = 1_700_000_000_000 - (1_700_000_000_000 % (3 * RANGE));
    const begin = time;
    const workers = Array.from({ length: threads }, () => {
      const handle = db.share();
      const worker = new Worker(new URL("./stress-reader.ts", import.meta.url), {
        workerData: { handle, begin, keptMs: KEPT_STEPS * STEP },
        transferList: [handle.port],
      });
      worker.on(
        "message",
        ({ selections, samples, problem }: { selections: number; samples: number; problem?: string }) => {
          report.selections += selections;
          report.samples += samples;
          if (problem) report.problems.push(problem);
        },
      );
      worker.on("error", (error) => report.problems.push(String(error)));
      return worker;
    });
    const deadline = Date.now() + milliseconds;
    const isEnough = (): boolean =>
      Date.now() >= deadline && report.selections >= least.selections && report.transactions >= least.transactions;
    for (let step = 0; !isEnough() && report.problems.length === 0; step++, time += STEP) {
      const appender = db.appender();
      const put = (name: string, generation: number): void => {
        const ref = appender.series(
          Labels.from({ __name__: name, from: String(begin + generation * GENERATION_STEPS * STEP) }),
        );
        appender.append(ref, time, valueAt(name, time));
        const late = time - LATE_BY;
        if (step % 6 === 0 && generation === 0 && late > begin) appender.append(ref, late, valueAt(name, late));
      };
      for (let i = 0; i < STEADY; i++) put(`steady_${i}`, 0);
      const generation = Math.floor(step / GENERATION_STEPS);
      for (let i = 0; i < BRIEF; i++) put(`brief_${generation}_${i}`, generation);
      appender.commit();
      report.transactions++;
      if (step % 20 === 0) await db.compact();
      await setImmediate();
    }
    report.blocks = db.blocks().length;
    await Promise.all(workers.map((worker) => worker.terminate()));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return report;
}
