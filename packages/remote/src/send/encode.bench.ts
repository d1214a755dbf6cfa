/** Encoding of requests: `node packages/remote/src/send/encode.bench.ts`. */
import { Labels, LOW_WORD } from "@pharos/model";
import { Batch, type SentSeries } from "./batch.ts";
import { RequestEncoder } from "./encode.ts";

const ROWS = 2000;
const ROUNDS = 300;

const batch = new Batch(ROWS);
const value = new Float64Array(1);
const words = new Uint32Array(value.buffer);
for (let i = 0; i < ROWS; i++) {
  const labels = Labels.from({
    __name__: `http_requests_total_${i % 40}`,
    instance: `10.0.${i >> 8}.${i & 255}:9090`,
    job: "kubernetes-pods",
    namespace: "monitoring",
    pod: `pod-${i % 97}`,
    container: "app",
    method: "GET",
    code: "200",
    le: String(i % 13),
    node: `node-${i % 7}`,
  });
  const series: SentSeries = { labels, encoded: undefined, metadata: undefined, segment: 0 };
  value[0] = i * 1.5;
  batch.sample(series, 1_700_000_000_000 + i, words[1 - LOW_WORD], words[LOW_WORD], 0);
}
for (const version of [1, 2] as const) {
  const encoder = new RequestEncoder(version);
  let bytes = 0;
  for (let i = 0; i < 20; i++) encoder.batch(batch);
  const started = performance.now();
  for (let i = 0; i < ROUNDS; i++) bytes = encoder.batch(batch).length;
  const seconds = (performance.now() - started) / 1000;
  const rate = Math.round((ROUNDS * ROWS) / seconds / 1000);
  console.log(`${version}.0: ${rate}k samples/s, ${(bytes / ROWS).toFixed(1)} bytes a sample packed`);
}
