/** Parameters of the HTTP API, with upstream's forms and error texts. */
import { describeError, type Matcher, parseDuration, parseValue } from "@pharos/model";
import { parseMetricSelector } from "@pharos/promql";
import { ApiError } from "./envelope.ts";

/** Bounds that stand for "any time": upstream's minTime and maxTime, rounded to safe integers. */
export const MIN_TIME = -8_640_000_000_000_000;
export const MAX_TIME = 8_640_000_000_000_000;

function invalid(name: string, reason: string): ApiError {
  return new ApiError("bad_data", `invalid parameter ${JSON.stringify(name)}: ${reason}`);
}

/** Unix ms from RFC 3339 or a float of seconds. */
export function parseTime(text: string): number | undefined {
  const seconds = parseValue(text);
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return ms;
  }
  return undefined;
}

export function timeParam(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name);
  if (text === null || text === "") return fallback;
  const ms = parseTime(text);
  if (ms === undefined) throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return ms;
}

export function requiredTime(params: URLSearchParams, name: string): number {
  const ms = parseTime(params.get(name) ?? "");
  if (ms === undefined) {
    throw invalid(name, `cannot parse ${JSON.stringify(params.get(name) ?? "")} to a valid timestamp`);
  }
  return ms;
}

/** ms from a float of seconds or a Prometheus duration; undefined when it is absent. */
export function durationParam(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  const seconds = parseValue(text);
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  try {
    return parseDuration(text);
  } catch {
    throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  }
}

/** A limit: 0 means none. */
export function limitParam(params: URLSearchParams, name = "limit"): number {
  const text = params.get(name);
  if (text === null || text === "") return 0;
  const value = Number(text);
  if (!Number.isInteger(value))
    throw invalid(name, `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (value < 0) throw invalid(name, "limit must be non-negative");
  return value;
}

/** The `match[]` selectors; each is an alternative. */
export function matchParam(params: URLSearchParams, name = "match[]"): Matcher[][] {
  return params.getAll(name).map((text) => {
    let matchers: Matcher[];
    try {
      matchers = parseMetricSelector(text);
    } catch (error) {
      throw invalid(name, describeError(error));
    }
    if (matchers.every((matcher) => matcher.matchesEmpty)) {
      throw invalid(name, "match[] must contain at least one non-empty matcher");
    }
    return matchers;
  });
}

/** `start` and `end` where both are optional. */
export function rangeParams(params: URLSearchParams): { start: number; end: number } {
  const start = timeParam(params, "start", MIN_TIME);
  const end = timeParam(params, "end", MAX_TIME);
  if (end < start) throw invalid("end", "end timestamp must not be before start time");
  return { start, end };
}
