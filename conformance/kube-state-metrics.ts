/**
 * kube-state-metrics' own table tests: objects and the series they give, label names and allow lists, and the shards of
 * uids. Every family is on, the opt-in ones too, as in upstream's harness. promtool, which is looked for in
 * `$PHAROS_PEERS`, else in ../peers/bin, checks the text of all objects together.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  fnv1a64,
  KeyFilter,
  mapLabels,
  RESOURCES,
  ResourceStore,
  render,
  shardOf,
  type Wire,
  write,
} from "@pharos/kube-state-metrics";
import type { Suite, SuiteResult } from "./suite.ts";

interface Vector {
  id: string;
  resource: string;
  objects: Wire[];
  allowLabels?: string[];
  allowAnnotations?: string[];
  metricNames?: string[];
  expected: string[];
  expectedHeaders?: string[];
  headersChecked?: boolean;
  expectedSampleCount?: number;
}

class Tally {
  readonly result: SuiteResult = { passed: 0, total: 0, failures: [] };

  check(id: string, problem: string | undefined): void {
    this.result.total++;
    if (problem === undefined) this.result.passed++;
    else this.result.failures.push(`${id}: ${problem}`);
  }
}

const read = <T>(folder: string, file: string): T => JSON.parse(readFileSync(join(folder, file), "utf8")) as T;

/** A sample line with its labels in order of their names. */
function canonical(line: string): string {
  const match = /^([^{\s]+)(?:\{(.*)\})?\s+(\S+)$/.exec(line.trim());
  if (!match) return line.trim();
  const pairs = (match[2] ?? "").match(/[^=,]+="(?:\\.|[^"\\])*"/g) ?? [];
  return `${match[1]}{${pairs.sort().join(",")}} ${match[3]}`;
}

const sorted = (lines: readonly string[]): string[] => [...new Set(lines.map(canonical))].sort();

function difference(actual: readonly string[], expected: readonly string[]): string | undefined {
  const missing = expected.filter((line) => !actual.includes(line));
  const extra = actual.filter((line) => !expected.includes(line));
  if (missing.length === 0 && extra.length === 0) return undefined;
  return `missing ${JSON.stringify(missing.slice(0, 3))}, extra ${JSON.stringify(extra.slice(0, 3))}`;
}

/**
 * The object as a server would send it. The vectors leave out metadata that is Go's zero value, and hold the bytes of a
 * certificate as plain text, where the wire has base64.
 */
function asServed(object: Wire & { status?: { certificate?: string } }): Wire {
  const { metadata = {}, status } = object;
  const certificate = status?.certificate;
  if (certificate === undefined) return { ...object, metadata };
  const encoded = { ...status, certificate: Buffer.from(certificate).toString("base64") };
  return { ...object, metadata, status: encoded } as Wire;
}

function runVector(vector: Vector): string | undefined {
  const resource = RESOURCES.find(({ name }) => name === vector.resource);
  if (!resource) return `there is no resource ${vector.resource}`;
  const filter = (keys: string[] | undefined) => (keys && keys.length > 0 ? new KeyFilter(keys) : undefined);
  const plan = {
    families: resource.families,
    identity: (object: Wire) => resource.identity(object),
    allowed: { labels: filter(vector.allowLabels), annotations: filter(vector.allowAnnotations) },
  };
  const store = new ResourceStore(resource.name, resource.families);
  const part = store.addPart();
  const errors: unknown[] = [];
  for (const [i, object] of vector.objects.entries()) {
    part.set(
      String(i),
      render(asServed(object), plan, (error) => errors.push(error)),
    );
  }
  if (errors.length > 0) return String(errors[0]);
  const text = Buffer.concat([...write(store.snapshot(), false, new Set())]).toString();
  const wanted = vector.metricNames?.map((name) => new RegExp(`^(?:# (?:HELP|TYPE) )?.*${name}.*`));
  const lines = text.split("\n").filter((line) => line !== "" && (!wanted || wanted.some((re) => re.test(line))));
  const samples = lines.filter((line) => !line.startsWith("#"));
  if (vector.expectedSampleCount !== undefined) {
    return samples.length === vector.expectedSampleCount ? undefined : `${samples.length} samples`;
  }
  const problem = difference(sorted(samples), sorted(vector.expected));
  if (problem !== undefined || !vector.headersChecked) return problem;
  const headers = lines.filter((line) => line.startsWith("#"));
  return difference(headers.sort(), (vector.expectedHeaders ?? []).map((line) => line.trim()).sort());
}

function vectors(folder: string): SuiteResult {
  const tally = new Tally();
  for (const file of readdirSync(folder).sort()) {
    if (file.startsWith("_")) continue;
    for (const vector of read<{ vectors: Vector[] }>(folder, file).vectors) tally.check(vector.id, runVector(vector));
  }
  return tally.result;
}

interface LabelCase {
  input: Record<string, string>;
  prefix: string;
  allow?: string[];
  expectKeysInOrder?: string[];
  expectKeys?: string[];
}

function labelNames(file: string): SuiteResult {
  const tally = new Tally();
  const { labelNames: names, allowList } = JSON.parse(readFileSync(file, "utf8")) as Record<string, LabelCase[]>;
  for (const [i, { input, prefix, allow, expectKeysInOrder, expectKeys }] of [...names, ...allowList].entries()) {
    const labels = allow ? new KeyFilter(allow).labels(prefix, input) : mapLabels(prefix, input);
    const keys = labels.filter((_text, at) => at % 2 === 0);
    const expected = expectKeysInOrder ?? expectKeys ?? [];
    const same = JSON.stringify(keys) === JSON.stringify(expected);
    tally.check(`label names ${i}`, same ? undefined : `${JSON.stringify(keys)}, not ${JSON.stringify(expected)}`);
  }
  return tally.result;
}

function sharding(file: string): SuiteResult {
  const tally = new Tally();
  const cases = JSON.parse(readFileSync(file, "utf8")) as {
    uid: string;
    fnv1a64: string;
    shards: Record<string, number>;
  }[];
  for (const { uid, fnv1a64: hash, shards } of cases) {
    tally.check(`hash of ${uid}`, String(fnv1a64(uid)) === hash ? undefined : String(fnv1a64(uid)));
    for (const [total, shard] of Object.entries(shards)) {
      const found = shardOf(uid, Number(total));
      tally.check(`${uid} of ${total}`, found === shard ? undefined : `shard ${found}, not ${shard}`);
    }
  }
  return tally.result;
}

/** Name, type and stability of every family, and which ones are on unless asked for. */
function catalogue(file: string): SuiteResult {
  const tally = new Tally();
  const [, ...rows] = readFileSync(file, "utf8").trimEnd().split("\n");
  const named = new Set<string>();
  for (const row of rows) {
    const [resourceName, enabled, name, type, stability, family, deprecated] = row.split("\t");
    named.add(name);
    const resource = RESOURCES.find((candidate) => candidate.name === resourceName);
    const found = resource?.families.find((candidate) => candidate.name === name);
    if (!resource || !found) {
      tally.check(name, "there is no such family");
      continue;
    }
    const actual = [
      resource.defaultOff ? "no" : "yes",
      found.type,
      found.stable ? "STABLE" : "ALPHA",
      found.optIn ? "opt-in" : "default",
      found.deprecated ?? "-",
    ].join(" ");
    const expected = [enabled, type, stability, family, deprecated].join(" ");
    tally.check(name, actual === expected ? undefined : `${actual}, not ${expected}`);
  }
  const extra = RESOURCES.flatMap(({ families }) => families).filter(({ name }) => !named.has(name));
  for (const { name } of extra) tally.check(name, "upstream has no such family");
  return tally.result;
}

/** Every metric the mixins' rules ask of kube-state-metrics. */
function mixinNeeds(file: string): SuiteResult {
  const tally = new Tally();
  const have = new Set(RESOURCES.flatMap(({ families }) => families.map(({ name }) => name)));
  const needed = new Set<string>();
  const [head, ...rows] = readFileSync(file, "utf8").trimEnd().split("\n");
  const column = head.split("\t").indexOf("metrics_needed");
  for (const row of rows) {
    for (const name of row.split("\t")[column].split(/[\s,]+/))
      if (/^kube_(?!state_metrics_)/.test(name)) needed.add(name);
  }
  for (const name of [...needed].sort()) tally.check(name, have.has(name) ? undefined : "is not made by anything");
  return tally.result;
}

const promtool = join(
  process.env.PHAROS_PEERS ?? join(dirname(dirname(import.meta.dirname)), "peers", "bin"),
  "promtool",
);

/** The text of a resource's objects of all vectors, each under a name of its own so that no series comes twice. */
function textOf(name: string, objects: readonly Wire[]): Buffer {
  const resource = RESOURCES.find((candidate) => candidate.name === name)!;
  const all = new KeyFilter(["*"]);
  const store = new ResourceStore(name, resource.families);
  const part = store.addPart();
  const plan = {
    families: resource.families,
    identity: (object: Wire) => resource.identity(object),
    allowed: { labels: all, annotations: all },
  };
  for (const [i, object] of objects.entries()) {
    const served = asServed(object);
    const unique = { ...served, metadata: { ...served.metadata, name: `${served.metadata.name}-${i}` } };
    part.set(
      String(i),
      render(unique, plan, () => {}),
    );
  }
  return Buffer.concat([...write(store.snapshot(), false, new Set())]);
}

function promtoolCheck(folder: string): SuiteResult {
  if (!existsSync(promtool)) {
    const notRun = "no promtool; set PHAROS_PEERS to the folder of Prometheus' programs";
    return { passed: 0, total: 0, failures: [], notRun };
  }
  const objects = new Map<string, Wire[]>();
  for (const file of readdirSync(folder).sort()) {
    if (file.startsWith("_")) continue;
    for (const vector of read<{ vectors: Vector[] }>(folder, file).vectors) {
      objects.set(vector.resource, [...(objects.get(vector.resource) ?? []), ...vector.objects]);
    }
  }
  const tally = new Tally();
  for (const [name, all] of objects) {
    const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: textOf(name, all) });
    const said = `${stdout}${stderr}`.trim();
    tally.check(name, status === 0 && said === "" ? undefined : said.slice(0, 500));
  }
  return tally.result;
}

const DATA = "exporters/ksm-vectors";

export const suites: Suite[] = [
  { name: "kube-state-metrics", data: DATA, run: vectors },
  { name: "kube-state-metrics-labels", data: `${DATA}/_label-names-and-allowlist.json`, run: labelNames },
  { name: "kube-state-metrics-sharding", data: `${DATA}/_sharding.json`, run: sharding },
  { name: "kube-state-metrics-families", data: "exporters/ksm-metrics.tsv", run: catalogue },
  { name: "kube-state-metrics-promtool", data: DATA, run: promtoolCheck },
  { name: "kube-state-metrics-mixins", data: "exporters/mixin-rules-needs.tsv", run: mixinNeeds },
];
