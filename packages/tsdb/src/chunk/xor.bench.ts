/** Encoding, decoding and packing of float chunks, by hand: `node packages/tsdb/src/chunk/xor.bench.ts`. */
import { SampleBuffer } from "@pharos/model";
import { type EncodedChunk, encodeBuffer } from "./encode.ts";
import { repack } from "./repack.ts";
import { decodeXor, XorAppender } from "./xor.ts";

const SAMPLES = 480;
const ROUNDS = 5_000;

const KINDS: Record<string, (i: number) => number> = {
  constant: () => 7,
  counter: (i) => i * 17 + (i % 3),
  "slow counter": (i) => Math.floor(i / 9),
  "seconds, 2 decimals": (i) => Math.round(i * 15.37 + 40 * Math.sin(i)) / 100,
  "random bytes": (i) => 4096 * Math.floor(50_000 + 2_000 * Math.sin(i * 1.7)),
  random: (i) => Math.sin(i * 12.9898) * 43_758.5453,
};

const cost = (count: number, work: () => void): string => {
  work();
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (((user + system) * 1000) / count).toFixed(1);
};

for (const [kind, at] of Object.entries(KINDS)) {
  const buffer = new SampleBuffer(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) buffer.push(1.7e12 + i * 15_000, at(i));
  const chunks = encodeBuffer(buffer, 1e15);
  const packed = repack(chunks);
  const bytes = (list: readonly EncodedChunk[]): number => list.reduce((sum, { data }) => sum + data.length + 6, 0);
  const out = new SampleBuffer(SAMPLES);
  const encode = cost(SAMPLES * ROUNDS, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const appender = new XorAppender();
      for (let i = 0; i < SAMPLES; i++)
        appender.append(buffer.timestamps[i], buffer.words[2 * i + 1], buffer.words[2 * i]);
    }
  });
  const decode = cost(SAMPLES * ROUNDS, () => {
    for (let round = 0; round < ROUNDS; round++) {
      out.clear();
      for (const { data } of chunks) decodeXor(data, 0, Number.MAX_SAFE_INTEGER, out);
    }
  });
  const pack = cost((SAMPLES * ROUNDS) / 10, () => {
    for (let round = 0; round < ROUNDS / 10; round++) repack(chunks);
  });
  console.log(
    `${kind}: encode ${encode}, decode ${decode}, pack ${pack} ns/sample; ${(bytes(chunks) / SAMPLES).toFixed(2)} → ${(bytes(packed) / SAMPLES).toFixed(2)} bytes/sample`,
  );
}
