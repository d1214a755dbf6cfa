/** Parameters of the HTTP API, with upstream's forms and error texts. */
import { describeError, type Matcher, parseDuration, parseValue } from "@pharos/model";
import { parseMetricSelector } from "@pharos/promql";
import { ApiError } from "./envelope.ts";

/** Bounds that stand for "any time": upstream's minTime and maxTime, rounded to safe integers. */
export const MIN_TIME = -8_640_000_000_000_000;
export const MAX_TIME = 8_640_000_000_000_000;

export function invalid(name: string, reason: string): ApiError {
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
  if (ms === undefined) {
    throw invalid(name, `invalid time value for '${name}': cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  }
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

/** The lookback of a query, ms; upstream words its complaint otherwise. */
export function lookbackParam(params: URLSearchParams): number | undefined {
  try {
    return durationParam(params, "lookback_delta");
  } catch (error) {
    const reason = describeError(error).replace('invalid parameter "lookback_delta": ', "");
    throw new ApiError("bad_data", `error parsing lookback delta duration: ${reason}`);
  }
}

/** strconv.Atoi; undefined for what is no whole number. */
export function parseInteger(text: string): number | undefined {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A limit: 0 means none. */
export function limitParam(params: URLSearchParams): number {
  const text = params.get("limit");
  if (text === null || text === "") return 0;
  const value = parseInteger(text);
  if (value === undefined) throw invalid("limit", `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (value < 0) throw invalid("limit", "limit must be non-negative");
  return value;
}

/** A limit of the older kind: less than 0, or none given, is any number. */
export function countParam(params: URLSearchParams, name: string): number {
  const text = params.get(name);
  if (text === null || text === "") return -1;
  const value = parseInteger(text);
  if (value === undefined) throw new ApiError("bad_data", `${name} must be a number`);
  return value;
}

const TRUTHS: Readonly<Record<string, boolean>> = {
  "1": true, t: true, T: true, true: true, TRUE: true, True: true,
  "0": false, f: false, F: false, false: false, FALSE: false, False: false,
}; // biome-ignore format: a table

/** strconv.ParseBool; undefined for what is none. */
export function parseBoolean(text: string): boolean | undefined {
  return Object.hasOwn(TRUTHS, text) ? TRUTHS[text] : undefined;
}

/** A boolean parameter; undefined when it is absent. `what` is put before the complaint. */
export function booleanParam(params: URLSearchParams, name: string, what: string): boolean | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  const value = parseBoolean(text);
  if (value !== undefined) return value;
  throw invalid(name, `${what}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** The `match[]` selectors; each is an alternative. Upstream names the parameter in only some of its complaints. */
export function matchParam(params: URLSearchParams, naming: "named" | "unnamed" = "unnamed"): Matcher[][] {
  const fail = (reason: string): ApiError =>
    naming === "named" ? invalid("match[]", reason) : new ApiError("bad_data", reason);
  return params.getAll("match[]").map((text) => {
    let matchers: Matcher[];
    try {
      matchers = parseMetricSelector(text);
    } catch (error) {
      throw fail(describeError(error));
    }
    if (matchers.every((matcher) => matcher.matchesEmpty)) {
      throw fail("match[] must contain at least one non-empty matcher");
    }
    return matchers;
  });
}

/** `start` and `end` where both are optional. The wrong way round is no mistake: upstream looks at what lies around them. */
export function rangeParams(params: URLSearchParams): { start: number; end: number } {
  const start = timeParam(params, "start", MIN_TIME);
  const end = timeParam(params, "end", MAX_TIME);
  return { start: Math.min(start, end), end: Math.max(start, end) };
}
