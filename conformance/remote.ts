/**
 * Remote write and remote read between Pharos, a real Prometheus and VictoriaMetrics, in both directions and both versions of
 * the protocol, with either end killed on the way: no sample may be lost, and none be there twice. The programs are looked for
 * in `$PHAROS_PEERS`, else in ../peers/bin; without them nothing is run, and that is said loudly.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type IntHistogram, Labels } from "@pharos/model";
import type { WriteSeries } from "./lib/remote-write.ts";
import { type Kind, type Lines, missingPeers, Program } from "./remote/programs.ts";
import { federated } from "./remote/side-by-side.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const SERIES = 40;
const ROUNDS = 60;
const PAUSE_MS = 100;
/** When which end is killed, by round, and when it is back. */
const RECEIVER_DIES = 10;
const RECEIVER_IS_BACK = 30;
const SENDER_DIES = 20;
const SENDER_IS_BACK = 24;

const histogram: IntHistogram = {
  kind: "int",
  counterResetHint: "unknown",
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 4,
  sum: 5.5,
  positiveSpans: [{ offset: 0, length: 2 }],
  negativeSpans: [],
  positiveDeltas: [2, -1],
  negativeDeltas: [],
  customValues: [],
};

/** What is written in a round, and the lines it should become at the receiver. */
function roundOf(i: number, start: number, withHistograms: boolean): { series: WriteSeries[]; lines: Lines } {
  const time = start + i * 1000;
  const series: WriteSeries[] = [];
  const lines: Lines = [];
  for (let n = 0; n < SERIES; n++) {
    const labels = { __name__: "sent", n: String(n), zone: "ünï" };
    const value = i * SERIES + n + 0.5;
    series.push({ labels: Labels.from(labels), samples: [{ time, value }] });
    lines.push(`${Labels.from({ ...labels, cluster: "c" })} ${time} ${value}`);
  }
  if (withHistograms) {
    const labels = { __name__: "sent", kind: "histogram" };
    series.push({ labels: Labels.from(labels), histograms: [{ time, histogram: { ...histogram, sum: i } }] });
    lines.push(`${Labels.from({ ...labels, cluster: "c" })} ${time} histogram 4`);
  }
  return { series, lines };
}

function configOf(url: string, version: 1 | 2): string {
  const message = version === 2 ? "io.prometheus.write.v2.Request" : "prometheus.WriteRequest";
  return [
    "global: {external_labels: {cluster: c}}",
    "remote_write:",
    `- url: ${url}`,
    `  protobuf_message: ${message}`,
    "  send_native_histograms: true",
    "  queue_config: {batch_send_deadline: 200ms, max_backoff: 500ms, max_samples_per_send: 150, min_shards: 2, capacity: 300}",
    "",
  ].join("\n");
}

interface Journey {
  from: Kind;
  to: Kind;
  version: 1 | 2;
  /** Whether the sender is killed as well: a real Prometheus would go on at the present then. */
  killSender: boolean;
}

const JOURNEYS: readonly Journey[] = [
  { from: "pharos", to: "prometheus", version: 1, killSender: true },
  { from: "pharos", to: "prometheus", version: 2, killSender: true },
  { from: "pharos", to: "victoria", version: 1, killSender: true },
  { from: "prometheus", to: "pharos", version: 1, killSender: false },
  { from: "prometheus", to: "pharos", version: 2, killSender: false },
  { from: "pharos", to: "pharos", version: 2, killSender: true },
  { from: "vmagent", to: "pharos", version: 1, killSender: false },
  { from: "agent", to: "prometheus", version: 1, killSender: true },
  { from: "agent", to: "prometheus", version: 2, killSender: true },
];

/** What differs, in a line; undefined when nothing does. */
function difference(wanted: Lines, got: Lines): string | undefined {
  const have = new Set(got);
  const lost = wanted.filter((line) => !have.has(line));
  const expected = new Set(wanted);
  const strange = got.filter((line) => !expected.has(line));
  const doubled = got.length - have.size;
  if (lost.length + strange.length + doubled === 0) return undefined;
  return `${lost.length} lost, ${strange.length} unknown, ${doubled} doubled of ${wanted.length}: ${(lost[0] ?? strange[0] ?? "").slice(0, 200)}`;
}

async function travel({ from, to, version, killSender }: Journey, folder: string): Promise<string | undefined> {
  await using receiver = await Program.create(to, join(folder, "receiver"));
  const config = configOf(`${receiver.url}/api/v1/write`, version);
  // With several queues vmagent changes the order of samples.
  const flags =
    from === "vmagent"
      ? [
          `-remoteWrite.url=${receiver.url}/api/v1/write`,
          "-remoteWrite.label=cluster=c",
          "-remoteWrite.flushInterval=200ms",
          "-remoteWrite.queues=1",
        ]
      : [];
  await using sender = await Program.create(from, join(folder, "sender"), config, flags);
  const wanted: Lines = [];
  // A real Prometheus sends nothing that is older than its start.
  const start = from === "prometheus" ? Date.now() + 5000 : Date.now() - 30_000;
  const withHistograms = to !== "victoria" && from !== "vmagent";
  for (let i = 0; i < ROUNDS; i++) {
    // VictoriaMetrics acknowledges before it writes: what it lost by being killed would be its own.
    if (i === RECEIVER_DIES) await receiver.kill(to === "victoria" ? "SIGINT" : "SIGKILL");
    if (i === RECEIVER_IS_BACK) await receiver.start();
    if (killSender && i === SENDER_DIES) await sender.kill("SIGKILL");
    if (killSender && i === SENDER_IS_BACK) await sender.start();
    if (killSender && i >= SENDER_DIES && i < SENDER_IS_BACK) {
      await sleep(PAUSE_MS);
      continue;
    }
    const { series, lines } = roundOf(i, start, withHistograms);
    await sender.write(series);
    wanted.push(...lines);
    await sleep(PAUSE_MS);
  }
  let problem: string | undefined;
  for (let i = 0; i < 60; i++) {
    await sleep(500);
    const got = await receiver.dump("sent");
    problem = difference(wanted, got);
    if (problem === undefined) return undefined;
  }
  return problem;
}

/** One reads what the other has. */
async function readBack(from: Kind, reader: Kind, folder: string): Promise<string | undefined> {
  await using source = await Program.create(from, join(folder, "source"), "global: {external_labels: {cluster: c}}\n");
  const wanted: Lines = [];
  const start = Date.now() - 60_000;
  for (let i = 0; i < 20; i++) {
    const { series, lines } = roundOf(i, start, true);
    await source.write(series);
    wanted.push(...lines);
  }
  const config = ["remote_read:", `- url: ${source.url}/api/v1/read`, "  read_recent: true", ""].join("\n");
  await using program = await Program.create(reader, join(folder, "reader"), config);
  return difference(wanted, await program.dump("sent"));
}

/** The same samples in both: the same page for federation. */
async function bothFederate(folder: string): Promise<string | undefined> {
  const text = "global: {external_labels: {cluster: c, n: external}}\n";
  await using theirs = await Program.create("prometheus", join(folder, "prometheus"), text);
  await using ours = await Program.create("pharos", join(folder, "pharos"), text);
  const time = Date.now() - 1000;
  const series: WriteSeries[] = [
    ...roundOf(1, time - 1000, true).series,
    {
      labels: Labels.from({ __name__: "other", instance: "i", job: "j" }),
      samples: [{ time: time - 60_000, value: 1e-9 }],
    },
    { labels: Labels.from({ __name__: "other" }), samples: [{ time, value: Number.POSITIVE_INFINITY }] },
    { labels: Labels.from({ __name__: "too_old" }), samples: [{ time: time - 10 * 60_000, value: 1 }] },
    { labels: Labels.from({ __name__: "sent", kind: "float" }), samples: [{ time, value: 3 }] },
  ];
  for (const program of [theirs, ours]) await program.write(series);
  return difference(await federated(theirs, "text/plain"), await federated(ours, "text/plain"));
}

async function run(): Promise<SuiteResult> {
  const notRun = missingPeers();
  if (notRun) return { passed: 0, total: 0, failures: [], notRun };
  const cases: [string, (folder: string) => Promise<string | undefined>][] = [
    ...JOURNEYS.map((journey): (typeof cases)[number] => [
      `write ${journey.version}.0 ${journey.from} → ${journey.to}`,
      (folder) => travel(journey, folder),
    ]),
    ["federate", bothFederate],
    ["read pharos → prometheus", (folder) => readBack("prometheus", "pharos", folder)],
    ["read prometheus → pharos", (folder) => readBack("pharos", "prometheus", folder)],
  ];
  const only = process.env.PHAROS_REMOTE_CASE;
  const chosen = cases.filter(([name]) => !only || name.includes(only));
  const failures: string[] = [];
  for (const [name, check] of chosen) {
    const folder = mkdtempSync(join(tmpdir(), "pharos-remote-"));
    try {
      const problem = await check(folder);
      if (problem) failures.push(`${name}: ${problem}`);
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { passed: chosen.length - failures.length, total: chosen.length, failures };
}

export const suites: Suite[] = [{ name: "remote", data: "prometheus/prompb", run }];
