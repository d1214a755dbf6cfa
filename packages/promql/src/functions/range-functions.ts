/** The functions that read a range vector, by name. */
import type { FloatHistogram } from "@pharos/model";
import type { Window } from "../engine/window.ts";
import * as overTime from "./over-time.ts";
import * as rates from "./rate.ts";

/** What the function makes of the window of one series at one step; undefined: no sample. */
export type RangeFunction = (window: Window) => number | FloatHistogram | undefined;

export const RANGE_FUNCTIONS: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ["absent_over_time", overTime.presentOverTime],
  ["avg_over_time", overTime.avgOverTime],
  ["changes", rates.changes],
  ["count_over_time", overTime.countOverTime],
  ["delta", rates.delta],
  ["deriv", overTime.deriv],
  ["double_exponential_smoothing", overTime.doubleExponentialSmoothing],
  ["first_over_time", overTime.firstOverTime],
  ["idelta", rates.idelta],
  ["increase", rates.increase],
  ["irate", rates.irate],
  ["last_over_time", overTime.lastOverTime],
  ["mad_over_time", overTime.madOverTime],
  ["max_over_time", overTime.maxOverTime],
  ["min_over_time", overTime.minOverTime],
  ["predict_linear", overTime.predictLinear],
  ["present_over_time", overTime.presentOverTime],
  ["quantile_over_time", overTime.quantileOverTime],
  ["rate", rates.rate],
  ["resets", rates.resets],
  ["stddev_over_time", overTime.stddevOverTime],
  ["stdvar_over_time", overTime.stdvarOverTime],
  ["sum_over_time", overTime.sumOverTime],
  ["ts_of_first_over_time", overTime.tsOfFirstOverTime],
  ["ts_of_last_over_time", overTime.tsOfLastOverTime],
  ["ts_of_max_over_time", overTime.tsOfMaxOverTime],
  ["ts_of_min_over_time", overTime.tsOfMinOverTime],
]);

/** They read start timestamps when the engine is told to use them. */
export const USES_START_TIMESTAMPS: ReadonlySet<string> = new Set(["rate", "irate", "increase", "resets"]);
/** They can work with samples beyond the bounds of the range. */
export const ANCHORED_FUNCTIONS: readonly string[] = ["changes", "delta", "increase", "rate", "resets"];
export const SMOOTHED_FUNCTIONS: readonly string[] = ["delta", "increase", "rate"];
