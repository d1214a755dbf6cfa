import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseYaml, Registry } from "@pharos/kit";
import {
  type FloatHistogram,
  Labels,
  Matcher,
  matchesAll,
  type Queryable,
  SampleBuffer,
  type StoredSeries,
  UserError,
} from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { WireWriter } from "../wire-writer.ts";
import { unpackRequest } from "../write-receiver.ts";
import { answerChunks, answerSamples, responseType } from "./answer.ts";
import { seriesOfSamples, seriesOfStream } from "./client.ts";
import { parseRemoteReadConfig } from "./config.ts";
import { FanoutStorage } from "./fanout.ts";
import { decodeReadRequest, encodeReadRequest } from "./messages.ts";

const histogram: FloatHistogram = {
  kind: "float",
  counterResetHint: "not_reset",
  schema: 1,
  zeroThreshold: 0.01,
  zeroCount: 2,
  count: 7,
  sum: 12.5,
  positiveSpans: [{ offset: -2, length: 2 }],
  negativeSpans: [],
  positiveBuckets: [2, 3],
  negativeBuckets: [],
  customValues: [],
};

type Row = [time: number, value: number | "stale" | FloatHistogram];

/** A storage of a few series. */
function storageOf(all: Record<string, Row[]>): Queryable {
  return {
    querier: () => ({
      select: (matchers) =>
        Object.entries(all)
          .map(([json, rows]): StoredSeries => {
            const read = (mint: number, maxt: number, out: SampleBuffer): void => {
              for (const [time, value] of rows) {
                if (time < mint || time > maxt) continue;
                if (value === "stale") out.pushStale(time);
                else if (typeof value === "number") out.push(time, value);
                else out.pushHistogram(time, value);
              }
            };
            return { labels: Labels.from(JSON.parse(json)), read };
          })
          .filter(({ labels }) => matchesAll(matchers, labels))
          .sort((a, b) => a.labels.compare(b.labels)),
      labelNames: () => [],
      labelValues: () => [],
      [Symbol.dispose]: () => {},
    }),
  };
}

const rows: Row[] = Array.from({ length: 300 }, (_, i) => [1000 + 15_000 * i, i === 7 ? "stale" : i / 3]);
const storage = storageOf({
  '{"__name__":"a","job":"x"}': rows,
  '{"__name__":"a","job":"y","zone":"own"}': [[2000, 5]],
  '{"__name__":"h"}': [[1000, histogram], [16_000, { ...histogram, count: 8, zeroCount: 3 }]], // biome-ignore format: one line
});
const everything = { start: 0, end: 1e9, matchers: [new Matcher("=~", "__name__", ".+")], hints: undefined };
const options = { externalLabels: Labels.from({ zone: "z" }), sampleLimit: 0, frameBytes: 600 };

function shown(series: readonly StoredSeries[], end = 1e9): string[] {
  return series.flatMap(({ labels, read }, i) => {
    const out = new SampleBuffer();
    read.call(series[i], 0, end, out);
    return Array.from({ length: out.length }, (_, row) => {
      const value = out.histograms?.[row]?.count ?? out.values[row];
      return `${labels} ${out.timestamps[row]} ${out.isStale(row) ? "stale" : value}`;
    });
  });
}

const wanted = [
  ...rows.map(([time, value]) => `{__name__="a", job="x", zone="z"} ${time} ${value}`),
  '{__name__="a", job="y", zone="own"} 2000 5',
  '{__name__="h", zone="z"} 1000 7',
  '{__name__="h", zone="z"} 16000 8',
];

test("samples and streamed chunks say the same", async () => {
  const samples = await answerSamples(storage, { queries: [everything], accepted: [] }, options);
  expect(shown(seriesOfSamples(unpackRequest(samples), new Set()))).toEqual(wanted);
  const frames: Buffer[] = [];
  for await (const frame of answerChunks(storage, { queries: [everything], accepted: [1] }, options))
    frames.push(frame);
  expect(frames.length).toBeGreaterThan(3);
  const streamed = seriesOfStream(Buffer.concat(frames), 1e6, new Set());
  expect(shown(streamed)).toEqual(wanted);
  expect(() => seriesOfStream(Buffer.concat(frames), 10, new Set())).toThrow(
    "message size exceeded the limit 10 bytes",
  );
  frames[0][20] ^= 1;
  expect(() => seriesOfStream(Buffer.concat(frames), 1e6, new Set())).toThrow("checksum mismatch");
});

test("external labels are matched as absent; the limit of samples is kept", async () => {
  const matchers = [new Matcher("=", "zone", "z"), new Matcher("=", "__name__", "a")];
  const answer = await answerSamples(storage, { queries: [{ ...everything, matchers }], accepted: [] }, options);
  expect(seriesOfSamples(unpackRequest(answer), new Set(["zone"])).map(({ labels }) => String(labels))).toEqual([
    '{__name__="a", job="x"}',
  ]);
  const limited = answerSamples(storage, { queries: [everything], accepted: [] }, { ...options, sampleLimit: 300 });
  await expect(limited).rejects.toThrow("exceeded sample limit (300)");
});

test("requests are read as they were written; unknown types of answers are refused", () => {
  const out = new WireWriter();
  const hints = { start: -5, end: 10, step: 3, func: "rate", range: 60_000 };
  encodeReadRequest(out, { queries: [{ ...everything, start: -1, hints }], accepted: [1, 0] });
  const { queries, accepted } = decodeReadRequest(out.copy());
  expect(queries[0]).toMatchObject({ start: -1, end: 1e9, hints });
  expect(String(queries[0].matchers[0])).toBe('__name__=~".+"');
  expect(accepted).toEqual([1, 0]);
  expect(responseType([])).toBe(0);
  expect(responseType([7, 1])).toBe(1);
  expect(() => responseType([7])).toThrow("does not support any of the requested response types");
});

test("property: garbage is a UserError in every decoder", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (garbage) => {
      const bytes = Buffer.from(garbage);
      const decoders = [
        () => decodeReadRequest(bytes),
        () => seriesOfStream(bytes, 1e6, new Set()),
        () => seriesOfSamples(bytes, new Set()),
      ];
      for (const decode of decoders) {
        try {
          decode();
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }
    }),
    { numRuns: 500, seed: 5 },
  );
});

test("endpoints fill in what the local storage lacks, and fail softly", async () => {
  const asked: string[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const read = decodeReadRequest(unpackRequest(Buffer.concat(chunks)));
      asked.push(`${read.queries[0].start} ${read.queries[0].end} ${read.queries[0].matchers.join(" ")}`);
      response.writeHead(status, { "content-type": "application/x-protobuf", "content-encoding": "snappy" });
      const remote = storageOf({ '{"__name__":"a","job":"x","zone":"z"}': [[500, 1], [1000, 99]] }); // biome-ignore format: one line
      const none = { externalLabels: Labels.empty, sampleLimit: 0, frameBytes: 0 };
      response.end(status === 200 ? await answerSamples(remote, read, none) : "no");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/read`;
  const config = (yaml: string) => parseRemoteReadConfig(parseYaml(`url: ${url}\n${yaml}`, "test.yml"));
  await using fanout = new FanoutStorage({
    local: storage,
    localStart: () => 1000,
    registry: new Registry(),
    userAgent: "Prometheus/3.14.0",
  });
  fanout.apply([config("name: r\nrequired_matchers: {job: x}")], Labels.from({ zone: "z" }));
  const matchers = [new Matcher("=", "__name__", "a"), new Matcher("=", "job", "x")];
  using querier = fanout.querier(0, 20_000);
  expect(shown(await querier.select(matchers), 20_000)).toEqual([
    '{__name__="a", job="x"} 500 1',
    `{__name__="a", job="x"} 1000 0`,
    `{__name__="a", job="x"} 16000 ${1 / 3}`,
  ]);
  expect(asked).toEqual(['0 1000 __name__="a" job="x" zone="z"']);
  await querier.select([matchers[0]]);
  using recent = fanout.querier(1500, 2000);
  await recent.select(matchers);
  expect(asked.length).toBe(1);
  status = 500;
  expect(shown(await querier.select(matchers), 20_000).length).toBe(2);
  expect(querier.warnings?.[0]).toContain("http status 500");
  expect(() => fanout.apply([config(""), config("")], Labels.empty)).toThrow("duplicate remote read configs");
  server.close();
  server.closeAllConnections();
});
