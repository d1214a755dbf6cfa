/** Encoding and decoding of float chunks, by hand: `node packages/tsdb/src/chunk/xor.bench.ts`. */
import { SampleBuffer } from "@pharos/model";
import { decodeXor, XorAppender } from "./xor.ts";

const SAMPLES = 120;
const ROUNDS = 20_000;
const values = new Float64Array(SAMPLES).map((_, i) => i * 17 + (i % 3));
const words = new Uint32Array(values.buffer);

let bytes = new Uint8Array();
for (let warm = 0; warm < 2; warm++) {
  const start = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) {
    const appender = new XorAppender();
    for (let i = 0; i < SAMPLES; i++) appender.append(1e12 + i * 15_000, words[2 * i + 1], words[2 * i]);
    bytes = appender.finish() as Uint8Array<ArrayBuffer>;
  }
  const middle = process.cpuUsage(start);
  const out = new SampleBuffer(SAMPLES);
  const decodeStart = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) {
    out.clear();
    decodeXor(bytes, 0, Number.MAX_SAFE_INTEGER, out);
  }
  const end = process.cpuUsage(decodeStart);
  const each = (usage: NodeJS.CpuUsage): string =>
    (((usage.user + usage.system) * 1000) / (SAMPLES * ROUNDS)).toFixed(1);
  console.log(
    `encode ${each(middle)} ns/sample, decode ${each(end)} ns/sample, ${(bytes.length / SAMPLES).toFixed(2)} bytes/sample`,
  );
}
