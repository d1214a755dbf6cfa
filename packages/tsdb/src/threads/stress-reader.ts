/** A reading thread of stress.ts: selects everything again and again and checks every sample. */
import { parentPort, workerData } from "node:worker_threads";
import { Matcher, SampleBuffer } from "@pharos/model";
import type { SharedHandle } from "./messages.ts";
import { SharedReader } from "./reader.ts";
import { LATE_BY, STEP, valueAt } from "./stress.ts";

const { handle, begin, keptMs } = workerData as { handle: SharedHandle; begin: number; keptMs: number };
const reader = new SharedReader(handle);
const everything = new Matcher("=~", "__name__", ".+");
const buffer = new SampleBuffer();

/** What is wrong with what one selection shows; undefined when nothing is. */
async function check(): Promise<{ samples: number; problem: string | undefined }> {
  using querier = reader.querier(0, Number.MAX_SAFE_INTEGER);
  const found = await querier.select([everything]);
  let samples = 0;
  let newest = 0;
  const cut: { name: string; from: number; first: number }[] = [];
  for (const series of found) {
    const name = series.labels.metricName;
    const from = Number(series.labels.get("from"));
    buffer.clear();
    series.read(0, Number.MAX_SAFE_INTEGER, buffer);
    samples += buffer.length;
    let last = 0;
    let regular = 0;
    for (let i = 0; i < buffer.length; i++) {
      const time = buffer.timestamps[i];
      if (time <= last) return { samples, problem: `${name}: ${time} behind ${last}` };
      last = time;
      if (buffer.values[i] !== valueAt(name, time))
        return { samples, problem: `${name}: ${buffer.values[i]} at ${time}` };
      if ((time - begin) % STEP !== 0) {
        if ((time + LATE_BY - begin) % STEP !== 0)
          return { samples, problem: `${name}: a sample nobody wrote, ${time}` };
        continue;
      }
      if (regular !== 0 && time !== regular + STEP)
        return { samples, problem: `${name}: nothing between ${regular} and ${time}` };
      if (regular === 0 && time !== from) cut.push({ name, from, first: time });
      regular = time;
    }
    if (name.startsWith("steady")) {
      if (newest !== 0 && regular !== newest)
        return { samples, problem: `${name} ends at ${regular}, others at ${newest}` };
      newest = regular;
    }
  }
  // Retention takes whole blocks: the beginning may be gone, but nothing that is to be kept.
  for (const { name, from, first } of cut) {
    if (first > newest - keptMs) return { samples, problem: `${name}: begins at ${first} instead of ${from}` };
  }
  return { samples, problem: undefined };
}

for (;;) {
  const { samples, problem } = await check();
  parentPort!.postMessage({ selections: 1, samples, problem });
  if (problem) break;
}
