/** Upstream's tables of what its parsers refuse and in which words, and OpenMetrics' own cases for a strict reader. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OpenMetricsReader, ProtobufReader, parseFamilies, TextReader } from "@pharos/exposition";
import { describeError } from "@pharos/model";
import type { Suite, SuiteResult } from "./suite.ts";

interface Vector {
  input_b64: string;
  input_shown: string;
  error: string;
  ok: boolean;
}

/** Reads to the end; the message of the refusal, "" when there is none. */
function refusal(reader: { next(): string; labels(): unknown }): string {
  try {
    for (;;) {
      const kind = reader.next();
      if (kind === "end") return "";
      if (kind === "series") reader.labels();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function vectors(path: string, open: (bytes: Buffer) => { next(): string; labels(): unknown }): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const { input_b64, input_shown, error, ok } of JSON.parse(readFileSync(path, "utf8")) as Vector[]) {
    result.total++;
    const got = refusal(open(Buffer.from(input_b64, "base64")));
    const wanted = ok ? "" : error;
    if (got === wanted) result.passed++;
    else
      result.failures.push(
        `${JSON.stringify(input_shown)}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`,
      );
  }
  return result;
}

function openMetricsCases(path: string): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const name of readdirSync(path).sort()) {
    const spec = JSON.parse(readFileSync(join(path, name, "test.json"), "utf8")) as {
      file: string;
      shouldParse: boolean;
    };
    const body = readFileSync(join(path, name, spec.file));
    result.total++;
    let problem = "";
    try {
      parseFamilies(body, "openmetrics");
    } catch (error) {
      problem = describeError(error);
    }
    if ((problem === "") === spec.shouldParse) result.passed++;
    else result.failures.push(`${name}: ${problem || "was accepted"}`);
  }
  return result;
}

/** The same target scraped as text and as protobuf has the same series with the same values, but for what moves. */
function bothForms(folder: string): SuiteResult {
  const read = (reader: TextReader | ProtobufReader): Set<string> => {
    const out = new Set<string>();
    for (let kind = reader.next(); kind !== "end"; kind = reader.next()) {
      if (kind === "series") out.add(String(reader.labels()));
    }
    return out;
  };
  const text = read(new TextReader(readFileSync(join(folder, "node-exporter-live.prom"))));
  const protobuf = read(new ProtobufReader(readFileSync(join(folder, "node-exporter-live.pb"))));
  const all = new Set([...text, ...protobuf]);
  const failures = [...all].filter((series) => !text.has(series) || !protobuf.has(series));
  return { passed: all.size - failures.length, total: all.size, failures };
}

export const suites: Suite[] = [
  {
    name: "text-errors",
    data: "exporters/formats/prom-text-error-vectors.json",
    run: (path) => vectors(path, (bytes) => new TextReader(bytes)),
  },
  {
    name: "openmetrics-errors",
    data: "exporters/formats/openmetrics-error-vectors.json",
    run: (path) => vectors(path, (bytes) => new OpenMetricsReader(bytes)),
  },
  { name: "openmetrics", data: "exporters/formats/openmetrics-testdata/parsers", run: openMetricsCases },
  { name: "exposition-forms", data: "exporters", run: bothForms },
];
