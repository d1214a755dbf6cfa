/** /search/metric_names, /search/label_names, /search/label_values: lines of JSON, best first where that is asked for. */
import { requestParams } from "@pharos/kit";
import { compareStrings, type Matcher, METRIC_NAME, type MetricMetadata, type Querier } from "@pharos/model";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ALGORITHMS, type Algorithm, searchScorer } from "../search/score.ts";
import type { ApiContext } from "./context.ts";
import { ApiError, sendError } from "./envelope.ts";
import { matchParam, parseBoolean, parseInteger, parseTime } from "./params.ts";

const DEFAULT_COUNT = 100;
const MAX_TERMS = 32;
const HOUR_MS = 3_600_000;

const bad = (message: string): ApiError => new ApiError("bad_data", message);

interface Search {
  selectors: Matcher[][];
  score: ReturnType<typeof searchScorer>;
  sortBy: string;
  descending: boolean;
  includeScore: boolean;
  start: number;
  end: number;
  limit: number;
  batchSize: number;
}

function readTime(params: URLSearchParams, name: string, otherwise: number): number {
  const text = params.get(name) ?? "";
  if (text === "") return otherwise;
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw bad(`invalid time value for '${name}': cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}

function readFlag(params: URLSearchParams, name: string, otherwise: boolean): boolean {
  const text = params.get(name) ?? "";
  if (text === "") return otherwise;
  const value = parseBoolean(text);
  if (value === undefined) throw bad(`invalid ${name} ${JSON.stringify(text)}: must be boolean`);
  return value;
}

function readCount(params: URLSearchParams, name: string, otherwise: number): number {
  const text = params.get(name) ?? "";
  if (text === "") return otherwise;
  const value = parseInteger(text);
  if (value === undefined || value <= 0)
    throw bad(`invalid ${name} ${JSON.stringify(text)}: must be a positive integer`);
  return value;
}

function readTerms(params: URLSearchParams): Search["score"] {
  const terms = params.getAll("search[]");
  if (terms.length > MAX_TERMS) throw bad(`too many search[] terms: got ${terms.length}, maximum is ${MAX_TERMS}`);
  const text = params.get("fuzz_threshold") ?? "";
  const threshold = text === "" ? 0 : parseInteger(text);
  if (threshold === undefined || threshold < 0 || threshold > 100) {
    throw bad(`invalid fuzz_threshold ${JSON.stringify(text)}: must be 0-100`);
  }
  const algorithm = (params.get("fuzz_alg") || ALGORITHMS[0]) as Algorithm;
  if (!ALGORITHMS.includes(algorithm)) {
    throw bad(`unsupported fuzz_alg ${JSON.stringify(algorithm)}: must be one of [${ALGORITHMS.join(" ")}]`);
  }
  const caseSensitive = readFlag(params, "case_sensitive", true);
  return searchScorer({ terms, algorithm, threshold: threshold / 100, caseSensitive });
}

function readOrder(params: URLSearchParams, endpoint: string): Pick<Search, "sortBy" | "descending"> {
  const sortBy = params.get("sort_by") ?? "";
  const direction = params.get("sort_dir") ?? "";
  if (direction !== "" && sortBy === "") throw bad("sort_dir is only valid when sort_by is set");
  if (direction !== "" && sortBy === "score") throw bad("sort_dir is not supported for sort_by=score");
  if (direction !== "" && direction !== "asc" && direction !== "dsc") {
    throw bad(`invalid sort_dir ${JSON.stringify(direction)}: must be "asc" or "dsc"`);
  }
  if (sortBy === "score" && !params.has("search[]")) throw bad("sort_by=score requires search[] to be set");
  if (!["", "alpha", "score"].includes(sortBy)) {
    throw bad(`invalid sort_by ${JSON.stringify(sortBy)} for ${endpoint}: must be "alpha" or "score"`);
  }
  return { sortBy, descending: direction === "dsc" };
}

/** `maxLimit`: 0 is none. */
function readSearch(params: URLSearchParams, endpoint: string, now: number, maxLimit: number): Search {
  const start = readTime(params, "start", now - HOUR_MS);
  const end = readTime(params, "end", now);
  if (end < start) throw bad("end timestamp must not be before start timestamp");
  const selectors = matchParam(params);
  const score = readTerms(params);
  const includeScore = readFlag(params, "include_score", false);
  const order = readOrder(params, endpoint);
  const limit = readCount(params, "limit", maxLimit > 0 ? Math.min(DEFAULT_COUNT, maxLimit) : DEFAULT_COUNT);
  if (maxLimit > 0 && limit > maxLimit) {
    throw bad(`limit ${limit} exceeds the configured maximum (${maxLimit}, see --web.search.max-limit)`);
  }
  const batchSize = readCount(params, "batch_size", DEFAULT_COUNT);
  return { selectors, score, includeScore, ...order, start, end, limit, batchSize };
}

interface Found {
  value: string;
  score: number;
}

/** What fits, in the order asked for. */
async function find(search: Search, ask: (matchers: Matcher[]) => string[] | Promise<string[]>): Promise<Found[]> {
  const all = new Set<string>();
  for (const matchers of search.selectors.length > 0 ? search.selectors : [[]]) {
    for (const value of await ask(matchers)) all.add(value);
  }
  const found: Found[] = [];
  for (const value of all) {
    const score = search.score ? search.score(value) : 1;
    if (score !== undefined) found.push({ value, score });
  }
  const byValue = (a: Found, b: Found): number => compareStrings(a.value, b.value);
  if (search.sortBy === "score") return found.sort((a, b) => b.score - a.score || byValue(a, b));
  found.sort(byValue);
  return search.descending ? found.reverse() : found;
}

/** Batches of results, a line each, and a last line that says whether there are more. */
function linesOf<T>(found: readonly Found[], { limit, batchSize }: Search, toResult: (found: Found) => T): string {
  const shown = found.slice(0, limit);
  const lines: unknown[] = [];
  // There is a first batch even when nothing was found.
  for (let at = 0; at === 0 || at < shown.length; at += batchSize) {
    lines.push({ results: shown.slice(at, at + batchSize).map(toResult) });
  }
  lines.push({ status: "success", has_more: found.length > limit });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

export function mountSearchApi(app: FastifyInstance, context: ApiContext, maxLimit: number): void {
  const route = (
    name: string,
    prepare: (params: URLSearchParams) => {
      ask: (querier: Querier, matchers: Matcher[]) => string[] | Promise<string[]>;
      toResult: (found: Found) => Record<string, unknown>;
    },
  ): void => {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        if (!context.features.has("search-api")) throw new ApiError("unavailable", "search API disabled");
        const params = requestParams(request);
        const search = readSearch(params, name, context.now(), maxLimit);
        const { ask, toResult } = prepare(params);
        using querier = context.storage.querier(search.start, search.end);
        const found = await find(search, (matchers) => ask(querier, matchers));
        const withScore = (each: Found) => ({
          ...toResult(each),
          ...(search.includeScore ? { score: each.score } : {}),
        });
        return reply.type("application/x-ndjson; charset=utf-8").send(linesOf(found, search, withScore));
      } catch (error) {
        return sendError(reply, error);
      }
    };
    for (const method of ["GET", "POST"] as const) app.route({ method, url: `/api/v1/search/${name}`, handler });
  };

  route("metric_names", (params) => {
    let families: Map<string, MetricMetadata> | undefined;
    const withMetadata = readFlag(params, "include_metadata", false);
    const metadataOf = (name: string): MetricMetadata | undefined => {
      // Of several targets that tell of a family, the first.
      families ??= new Map([...context.scrape.metadata()].reverse().map(({ metric, metadata }) => [metric, metadata]));
      return families.get(name);
    };
    return {
      ask: (querier, matchers) => querier.labelValues(METRIC_NAME, matchers),
      toResult: ({ value }) => {
        const metadata = withMetadata ? metadataOf(value) : undefined;
        const told = Object.entries(metadata ?? {}).filter(([, text]) => text !== "");
        return { name: value, ...Object.fromEntries(told) };
      },
    };
  });
  route("label_names", () => ({
    ask: (querier, matchers) => querier.labelNames(matchers),
    toResult: ({ value }) => ({ name: value }),
  }));
  route("label_values", (params) => {
    const label = params.get("label") ?? "";
    if (label === "") throw bad('missing required parameter "label"');
    return {
      ask: (querier, matchers) => querier.labelValues(label, matchers),
      toResult: ({ value }) => ({ value }),
    };
  });
}
