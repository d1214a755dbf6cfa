import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseYaml, Registry, silentLogger, snappyBound, snappyPack } from "@pharos/kit";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import { parseOtlpConfig } from "@pharos/remote";
import { type Db, openDb } from "@pharos/tsdb";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mountOtlp } from "./otlp.ts";
import { mountRemoteRead } from "./remote-read.ts";
import { mountRemoteWrite } from "./remote-write.ts";

let dir: string;
let db: Db;
let app: FastifyInstance;
const NOW = 1_700_000_000_000;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-remote-api-"));
  db = await openDb({ dir });
  app = fastify();
});
afterEach(async () => {
  await app.close();
  await db.close();
  rmSync(dir, { recursive: true, force: true });
});

function mount(enabled = true): void {
  const registry = new Registry();
  const now = (): number => NOW;
  mountRemoteWrite(app, {
    remoteWrite: { enabled, versions: [1] },
    storage: db,
    registry,
    typeAndUnitLabels: false,
    now,
  });
  mountRemoteRead(app, { storage: db, registry, limits: { concurrency: 1 }, externalLabels: () => Labels.empty });
  mountOtlp(app, {
    enabled,
    storage: db,
    registry,
    log: silentLogger,
    lookbackMs: 300_000,
    delta: "refuse",
    typeAndUnitLabels: false,
    config: () => parseOtlpConfig(parseYaml("{}", "test.yml"), false),
    now,
  });
}

async function stored(): Promise<string[]> {
  using querier = db.querier(0, NOW + 1e9);
  const lines: string[] = [];
  for (const series of await querier.select([new Matcher("=~", "__name__", ".+")])) {
    const out = new SampleBuffer();
    series.read(0, NOW + 1e9, out);
    for (let i = 0; i < out.length; i++) lines.push(`${series.labels} ${out.timestamps[i] - NOW} ${out.values[i]}`);
  }
  return lines;
}

const otlp = JSON.stringify({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "app" } }] },
      scopeMetrics: [{ metrics: [{ name: "g", gauge: { dataPoints: [{ timeUnixNano: `${NOW}000000`, asInt: 7 }] } }] }],
    },
  ],
});
const post = (url: string, headers: Record<string, string>, payload: Buffer | string) =>
  app.inject({ method: "POST", url, headers, payload });

test("OTLP as JSON, packed or not; other types, encodings and garbage are refused in upstream's words", async () => {
  mount();
  const url = "/api/v1/otlp/v1/metrics";
  const json = { "content-type": "application/json" };
  expect((await post(url, json, otlp)).statusCode).toBe(200);
  const packed = await post(url, { ...json, "content-encoding": "gzip" }, gzipSync(otlp));
  expect(packed.statusCode).toBe(200);
  expect(await stored()).toEqual(['{__name__="g", job="app"} 0 7']);
  const typed = await post(url, { "content-type": "text/plain" }, otlp);
  expect([typed.statusCode, typed.body]).toEqual([
    400,
    "unsupported content type: text/plain, supported: [application/json, application/x-protobuf]\n",
  ]);
  const encoded = await post(url, { ...json, "content-encoding": "br" }, otlp);
  expect(encoded.body).toBe('unsupported compression: br. Only "gzip" or no compression supported\n');
  expect((await post(url, json, "{")).statusCode).toBe(400);
  expect((await post(url, { "content-type": "application/x-protobuf" }, Buffer.from([1, 2]))).statusCode).toBe(400);
  const late = await post(url, json, otlp.replace('"asInt":7', '"asInt":8'));
  expect([late.statusCode, late.body]).toEqual([
    400,
    `duplicate sample for timestamp: {__name__="g", job="app"} at ${NOW}\n`,
  ]);
});

test("receivers that are off say which flag turns them on", async () => {
  mount(false);
  const otlpAnswer = await post("/api/v1/otlp/v1/metrics", { "content-type": "application/json" }, otlp);
  expect([otlpAnswer.statusCode, otlpAnswer.body]).toEqual([
    404,
    "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n",
  ]);
  const write = await post("/api/v1/write", { "content-type": "application/x-protobuf" }, Buffer.from([0]));
  expect(write.body).toBe("remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
});

test("remote write: types, encodings, samples too far ahead", async () => {
  mount();
  const pack = (bytes: number[]): Buffer => {
    const out = Buffer.alloc(snappyBound(bytes.length));
    return out.subarray(0, snappyPack(Buffer.from(bytes), out));
  };
  const url = "/api/v1/write";
  const type = { "content-type": "application/x-protobuf" };
  expect((await post(url, type, pack([]))).statusCode).toBe(204);
  const v2 = await post(
    url,
    { "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request" },
    pack([]),
  );
  expect([v2.statusCode, v2.body]).toEqual([
    415,
    "application/x-protobuf;proto=io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts prometheus.WriteRequest\n",
  ]);
  expect((await post(url, { ...type, "content-encoding": "zstd" }, pack([]))).statusCode).toBe(415);
  // One series m with one sample in the year 2100.
  const time = [0x80, 0xe0, 0xb9, 0xa7, 0xed, 0x77];
  const sample = [9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 16, ...time];
  const label = [10, 8, ...Buffer.from("__name__"), 18, 1, 109];
  const series = [10, label.length, ...label, 18, sample.length, ...sample];
  const ahead = await post(url, type, pack([10, series.length, ...series]));
  expect(ahead.statusCode).toBe(400);
  expect(ahead.body).toContain("out of bounds: timestamp is too far in the future");
});

test("remote read: garbage is refused, the gate opens again", async () => {
  mount();
  for (let i = 0; i < 3; i++) {
    const answer = await post("/api/v1/read", { "content-type": "application/x-protobuf" }, Buffer.from([200]));
    expect(answer.statusCode).toBe(400);
  }
});
