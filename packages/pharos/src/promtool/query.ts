/** `query instant`, `query range`, `query series`, `query labels`. */
import type { FlagSpecs } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type Invocation, type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { type ApiData, ApiError, HEADER_FLAG, HTTP_FLAGS, readPairs, ServerApi } from "./api.ts";
import { FAILURE, SUCCESS } from "./exit.ts";
import { type ApiValue, formatLabelSet, formatValueText } from "./query-text.ts";
import { apiTime, readTime } from "./time.ts";

const TIMEOUT_MS = 120_000;
/** A span in which every series that can be is. */
const EVER_MS = 9_999 * 3_600_000;

const FORMAT = {
  ...HTTP_FLAGS,
  format: {
    type: "string",
    short: "o",
    default: "promql",
    choices: ["promql", "json"],
    help: "Output format of the query.",
  },
} as const satisfies FlagSpecs;

const SPAN = {
  start: { type: "string", help: "Start time (RFC3339 or Unix timestamp)." },
  end: { type: "string", help: "End time (RFC3339 or Unix timestamp)." },
} as const satisfies FlagSpecs;

function apiOf({ args, values }: Invocation, headers: Record<string, string> = {}): ServerApi {
  return new ServerApi({ server: args[0], values, headers, timeout: TIMEOUT_MS });
}

/** Writes what came; what the server refused is one line. */
async function answerWith<T>(
  { values, write, warn }: Invocation,
  asked: Promise<ApiData<T>>,
  textOf: (data: T) => string,
): Promise<number> {
  try {
    const { data, warnings } = await asked;
    for (const warning of warnings) warn(`query warning: ${warning}\n`);
    write(values.format === "json" ? `${JSON.stringify(resultOf(data))}\n` : textOf(data));
    return SUCCESS;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    warn(`query error: ${error.message}\n`);
    return FAILURE;
  }
}

/** promtool writes the result alone, without its type. */
function resultOf(data: unknown): unknown {
  return typeof data === "object" && data !== null && "result" in data ? data.result : data;
}

const INSTANT_FLAGS = {
  ...FORMAT,
  ...HEADER_FLAG,
  time: { type: "string", help: "Query evaluation time (RFC3339 or Unix timestamp)." },
} as const satisfies FlagSpecs;

const instant: Subcommand = {
  path: "query instant",
  summary: "Run instant query.",
  usage: "SERVER EXPR",
  args: { min: 2, max: 2 },
  flags: INSTANT_FLAGS,
  async run(invocation) {
    const { header, time } = valuesOf(INSTANT_FLAGS, invocation.values);
    const form = new URLSearchParams({ query: invocation.args[1] });
    form.set("time", apiTime(readTime(time, "evaluation time") ?? Date.now()));
    await using api = apiOf(invocation, readPairs(header));
    return await answerWith(invocation, api.call<ApiValue>("/api/v1/query", form), formatValueText);
  },
};

const RANGE_FLAGS = {
  ...FORMAT,
  ...HEADER_FLAG,
  ...SPAN,
  step: { type: "duration", help: "Query step size (duration)." },
} as const satisfies FlagSpecs;

const range: Subcommand = {
  path: "query range",
  summary: "Run range query.",
  usage: "SERVER EXPR",
  args: { min: 2, max: 2 },
  flags: RANGE_FLAGS,
  async run(invocation) {
    const values = valuesOf(RANGE_FLAGS, invocation.values);
    const end = readTime(values.end, "end time") ?? Date.now();
    const start = readTime(values.start, "start time") ?? end - 300_000;
    if (start >= end) throw new UserError("pharos.time", "start time is not before end time");
    const step = values.step ? values.step / 1000 : Math.max(Math.floor((end - start) / 1000 / 250), 1);
    const form = new URLSearchParams({
      query: invocation.args[1],
      start: apiTime(start),
      end: apiTime(end),
      step: String(step),
    });
    await using api = apiOf(invocation, readPairs(values.header));
    return await answerWith(invocation, api.call<ApiValue>("/api/v1/query_range", form), formatValueText);
  },
};

const MATCH_FLAGS = {
  ...FORMAT,
  ...SPAN,
  match: { type: "string", multiple: true, help: "Series selector. Can be specified multiple times." },
} as const satisfies FlagSpecs;

function spanForm(values: { start?: string; end?: string; match: readonly string[] }): URLSearchParams {
  const form = new URLSearchParams();
  form.set("start", apiTime(readTime(values.start, "start time") ?? Date.now() - EVER_MS));
  form.set("end", apiTime(readTime(values.end, "end time") ?? Date.now() + EVER_MS));
  for (const selector of values.match) form.append("match[]", selector);
  return form;
}

const series: Subcommand = {
  path: "query series",
  summary: "Run series query.",
  usage: "--match=SELECTOR SERVER",
  args: { min: 1, max: 1 },
  flags: MATCH_FLAGS,
  async run(invocation) {
    const values = valuesOf(MATCH_FLAGS, invocation.values);
    if (values.match.length === 0) throw new UserError("pharos.command", "required flag --match not provided");
    await using api = apiOf(invocation);
    const found = api.call<Record<string, string>[]>("/api/v1/series", spanForm(values));
    return await answerWith(invocation, found, (series) => series.map((one) => `${formatLabelSet(one)}\n`).join(""));
  },
};

const labels: Subcommand = {
  path: "query labels",
  summary: "Run labels query: the values of a label.",
  usage: "SERVER NAME",
  args: { min: 2, max: 2 },
  flags: MATCH_FLAGS,
  async run(invocation) {
    const form = spanForm(valuesOf(MATCH_FLAGS, invocation.values));
    await using api = apiOf(invocation);
    const found = api.read<string[]>(`/api/v1/label/${encodeURIComponent(invocation.args[1])}/values`, form);
    return await answerWith(invocation, found, (values) => values.map((value) => `${value}\n`).join(""));
  },
};

export const queryCommands: readonly Subcommand[] = [instant, range, series, labels];
