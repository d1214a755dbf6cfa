/**
 * Random PromQL over the series of `data.ts`: valid by its types, made of what Prometheus 3.5 knows. Most expressions
 * have a result; the rest meet errors that both engines have to report alike.
 */
import { DATA_LENGTH, DATA_START, LABEL_VALUES } from "./data.ts";
import type { Random } from "./random.ts";

const FLOAT_METRICS = [
  "temperature",
  "requests_total",
  "size_bytes",
  "errors_total",
  "ties",
  "extreme",
  "sparse",
  "big_total",
  "constant",
  "latency_count",
  "latency_sum",
  "latency_bucket",
];
const HISTOGRAM_METRICS = ["native", "custom", "native_float", "native_gauge", "custom_float", "mixture"];

const RANGE_FUNCTIONS = [
  "rate",
  "increase",
  "delta",
  "irate",
  "idelta",
  "resets",
  "changes",
  "deriv",
  "avg_over_time",
  "sum_over_time",
  "min_over_time",
  "max_over_time",
  "count_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "last_over_time",
  "present_over_time",
  "absent_over_time",
  "mad_over_time",
  "ts_of_min_over_time",
  "ts_of_max_over_time",
  "ts_of_last_over_time",
];
const HISTOGRAM_RANGE_FUNCTIONS = [
  "rate",
  "increase",
  "delta",
  "irate",
  "idelta",
  "resets",
  "changes",
  "avg_over_time",
  "sum_over_time",
  "count_over_time",
  "last_over_time",
];
const EXACT_MATH = ["abs", "ceil", "floor", "sgn", "sqrt", "round"];
/** Go and JavaScript compute these to the last bit but one, so nothing is built on top of them. */
const INEXACT_MATH = [
  "exp",
  "ln",
  "log2",
  "log10",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "deg",
  "rad",
];
const DATE_FUNCTIONS = [
  "minute",
  "hour",
  "day_of_week",
  "day_of_month",
  "day_of_year",
  "days_in_month",
  "month",
  "year",
];
const SIMPLE_AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
const ARITHMETIC = ["+", "-", "*", "/", "%"];
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
const SET_OPS = ["and", "or", "unless"];
const LABELS = ["a", "b", "c"] as const;

export class ExpressionGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole query; `instant` ones may be of any type. */
  query(instant: boolean): string {
    const random = this.#random;
    const dice = random.next();
    if (instant && dice < 0.02) return this.#floatRange(0, random.chance(0.3) ? this.#histogramMetric() : undefined);
    if (instant && dice < 0.03) return JSON.stringify(random.pick(["text", "", 'a "quoted" one']));
    if (dice < 0.06) return this.scalar(3);
    if (dice < 0.1) return `${random.pick(INEXACT_MATH)}(${this.vector(2)})`;
    if (dice < 0.12) return `${this.vector(1)} ${random.pick(["^", "atan2"])} ${this.scalar(1)}`;
    return this.vector(1 + random.int(4));
  }

  #histogramMetric(): string {
    return this.#random.pick(HISTOGRAM_METRICS);
  }

  #duration(seconds: readonly number[]): string {
    const random = this.#random;
    const value = random.pick(seconds);
    const text = (s: number) => (s % 60 === 0 ? `${s / 60}m` : `${s}s`);
    if (value > 60 && random.chance(0.05)) return random.chance(0.5) ? `${text(value - 30)} + 30s` : `${value / 2} * 2`;
    return text(value);
  }

  #modifiers(): string {
    const random = this.#random;
    const offset = () => {
      const value = random.pick([60, 300, 600, 7]);
      const sign = random.chance(0.3) ? "-" : "";
      return random.chance(0.1) ? ` offset ${sign}(${value}s + 15)` : ` offset ${sign}${value}s`;
    };
    const at = () => {
      if (random.chance(0.3)) return ` @ ${random.pick(["start()", "end()"])}`;
      return ` @ ${(DATA_START + random.int(DATA_LENGTH)) / 1000}`;
    };
    const dice = random.next();
    if (dice < 0.1) return offset();
    if (dice < 0.17) return at();
    if (dice < 0.19) return random.chance(0.5) ? offset() + at() : at() + offset();
    return "";
  }

  #matchers(): string[] {
    const random = this.#random;
    const out: string[] = [];
    for (const label of LABELS) {
      if (!random.chance(0.12)) continue;
      const [first, second] = LABEL_VALUES[label];
      const value = random.pick([first, second]);
      out.push(
        random.pick([
          `${label}="${value}"`,
          `${label}!="${value}"`,
          `${label}=~"${value}|other"`,
          `${label}=~"${first}|${second}"`,
          `${label}!~"${value}.*"`,
          `${label}=~".+"`,
          `${label}!=""`,
          `${label}=""`,
        ]),
      );
    }
    return out;
  }

  #selector(metric: string): string {
    const random = this.#random;
    const matchers = this.#matchers();
    const dice = random.next();
    if (dice < 0.03) return `{${[`__name__=~"${metric}|none"`, ...matchers].join(", ")}}`;
    if (dice < 0.05) return `{${[`"${metric}"`, ...matchers].join(", ")}}`;
    if (dice < 0.06) return `{__name__=~"${metric}|temperature", a!="x"}`;
    return matchers.length > 0 ? `${metric}{${matchers.join(", ")}}` : metric;
  }

  #floatMetric(): string {
    const random = this.#random;
    if (random.chance(0.02)) return random.pick(["nothing_here", "up", "odd_bucket", "app_requests_total"]);
    return random.pick(FLOAT_METRICS);
  }

  #bareSelector(): string {
    const random = this.#random;
    if (random.chance(0.02)) return `{"my.metric"${random.chance(0.5) ? ', "label.x"="x"' : ""}}${this.#modifiers()}`;
    return this.#selector(this.#floatMetric()) + this.#modifiers();
  }

  /** A range vector; of floats unless a metric is given. */
  #floatRange(depth: number, metric?: string): string {
    const random = this.#random;
    if (depth > 0 && random.chance(0.3)) {
      const inner = metric ? this.#histogram(depth - 1) : this.vector(depth - 1);
      const step = random.pick(["30s", "1m", "2m", "17s", ""]);
      return `(${inner})[${this.#duration([120, 300, 600, 900])}:${step}]${this.#modifiers()}`;
    }
    const range = this.#duration([15, 45, 60, 150, 300, 600, 1200, 3000]);
    return `${this.#selector(metric ?? this.#floatMetric())}[${range}]${this.#modifiers()}`;
  }

  #grouping(): string {
    const random = this.#random;
    if (random.chance(0.25)) return "";
    const labels = random.some(["a", "b", "c", "le", "none"], random.int(3));
    return ` ${random.pick(["by", "without"])} (${labels.join(", ")})`;
  }

  #quantile(): string {
    return this.#random.pick([
      "0",
      "0.1",
      "0.5",
      "0.9",
      "0.99",
      "1",
      "1.5",
      "-1",
      "NaN",
      "scalar(ties{a='x',b='1',c='p'}) / 3",
    ]);
  }

  scalar(depth: number): string {
    const random = this.#random;
    const dice = random.next();
    if (depth <= 0 || dice < 0.5) {
      return random.pick([
        "0",
        "1",
        "2",
        "3",
        "-1",
        "0.5",
        "10",
        "1e3",
        "NaN",
        "Inf",
        "-Inf",
        "0x1f",
        "1_000",
        "5m",
        "1.5",
        "7",
      ]);
    }
    if (dice < 0.6) return "time()";
    if (dice < 0.63) return "pi()";
    if (dice < 0.75) return `scalar(${this.vector(depth - 1)})`;
    if (dice < 0.8) return `-(${this.scalar(depth - 1)})`;
    if (dice < 0.9) return `(${this.scalar(depth - 1)} ${random.pick(ARITHMETIC)} ${this.scalar(depth - 1)})`;
    return `(${this.scalar(depth - 1)} ${random.pick(COMPARISONS)} bool ${this.scalar(depth - 1)})`;
  }

  /** An instant vector whose elements are (mostly) native histograms. */
  #histogram(depth: number): string {
    const random = this.#random;
    const metric = this.#histogramMetric();
    const dice = random.next();
    if (depth <= 0 || dice < 0.2) return this.#selector(metric) + this.#modifiers();
    if (dice < 0.55) {
      const call = random.pick([
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "sum_over_time",
        "avg_over_time",
        "last_over_time",
      ]);
      return `${call}(${this.#floatRange(depth - 1, metric)})`;
    }
    if (dice < 0.75) return `${random.pick(["sum", "avg"])}${this.#grouping()} (${this.#histogram(depth - 1)})`;
    if (dice < 0.85) return `${this.#histogram(depth - 1)} ${random.pick(["*", "/"])} ${this.scalar(1)}`;
    if (dice < 0.9) return `-(${this.#histogram(depth - 1)})`;
    return `(${this.#histogram(depth - 1)} ${random.pick(["+", "-", "==", "!="])}${this.#matching(false)} ${this.#histogram(depth - 1)})`;
  }

  #matching(many: boolean): string {
    const random = this.#random;
    const dice = random.next();
    let out = "";
    const labels = () => random.some(LABELS, 1 + random.int(3)).join(", ");
    if (dice < 0.35) out = ` on (${labels()})`;
    else if (dice < 0.6)
      out = ` ignoring (${random.chance(0.2) ? "" : random.some(["c", "le", "version"], 1 + random.int(2)).join(", ")})`;
    if (many && out && random.chance(0.4)) {
      const include = random.chance(0.3) ? random.pick(["c", "version", "b"]) : "";
      out += ` ${random.pick(["group_left", "group_right"])} (${include})`;
    }
    return out;
  }

  #binary(depth: number): string {
    const random = this.#random;
    const dice = random.next();
    const side = () => (random.chance(0.12) ? this.#histogram(depth - 1) : this.vector(depth - 1));
    if (dice < 0.25) {
      const op = random.pick([...ARITHMETIC, ...COMPARISONS]);
      const bool = COMPARISONS.includes(op) && random.chance(0.3) ? " bool" : "";
      const [vector, scalar] = [side(), this.scalar(depth - 1)];
      return random.chance(0.5) ? `(${vector} ${op}${bool} ${scalar})` : `(${scalar} ${op}${bool} ${vector})`;
    }
    if (dice < 0.5) return `(${side()} ${random.pick(SET_OPS)}${this.#matching(false)} ${side()})`;
    const op = random.pick([...ARITHMETIC, ...COMPARISONS]);
    const bool = COMPARISONS.includes(op) && random.chance(0.3) ? " bool" : "";
    if (random.chance(0.4)) {
      // Both sides of one shape, so that they surely match.
      const labels = random.some(LABELS, 1 + random.int(2)).join(", ");
      const aggregate = () => `${random.pick(SIMPLE_AGGREGATIONS)} by (${labels}) (${side()})`;
      return `(${aggregate()} ${op}${bool} ${aggregate()})`;
    }
    if (random.chance(0.4)) {
      const labels = random.some(LABELS, 1).join(", ");
      const one = `${random.pick(SIMPLE_AGGREGATIONS)} by (${labels}) (${this.vector(depth - 1)})`;
      const many = this.vector(depth - 1);
      return random.chance(0.6)
        ? `(${many} ${op}${bool} on (${labels}) group_left () ${one})`
        : `(${one} ${op}${bool} on (${labels}) group_right () ${many})`;
    }
    return `(${side()} ${op}${bool}${this.#matching(true)} ${side()})`;
  }

  #aggregation(depth: number): string {
    const random = this.#random;
    const inner = () => (random.chance(0.15) ? this.#histogram(depth - 1) : this.vector(depth - 1));
    const dice = random.next();
    if (dice < 0.6) return `${random.pick(SIMPLE_AGGREGATIONS)}${this.#grouping()} (${inner()})`;
    if (dice < 0.8)
      return `${random.pick(["topk", "bottomk", "limitk"])}${this.#grouping()} (${random.pick(["1", "2", "3", "0", "5", this.scalar(1)])}, ${inner()})`;
    if (dice < 0.87) return `quantile${this.#grouping()} (${this.#quantile()}, ${inner()})`;
    if (dice < 0.93)
      return `limit_ratio${this.#grouping()} (${random.pick(["0.5", "-0.3", "0.9", "1", "-1", "2", "0"])}, ${inner()})`;
    return `count_values${this.#grouping()} ("${random.pick(["value", "a", "v"])}", ${random.pick(["ties", "constant", "up", `round(${this.vector(depth - 1)})`])})`;
  }

  #call(depth: number): string {
    const random = this.#random;
    const dice = random.next();
    const inner = () => this.vector(depth - 1);
    if (dice < 0.15) return `${random.pick(EXACT_MATH)}(${inner()})`;
    if (dice < 0.2) return `round(${inner()}, ${random.pick(["0.1", "5", "0", this.scalar(1)])})`;
    if (dice < 0.25) return `clamp(${inner()}, ${this.scalar(1)}, ${this.scalar(1)})`;
    if (dice < 0.3) return `${random.pick(["clamp_min", "clamp_max"])}(${inner()}, ${this.scalar(1)})`;
    if (dice < 0.34)
      return random.chance(0.2) ? `${random.pick(DATE_FUNCTIONS)}()` : `${random.pick(DATE_FUNCTIONS)}(${inner()})`;
    if (dice < 0.38) return `timestamp(${inner()})`;
    if (dice < 0.41) return `vector(${this.scalar(depth - 1)})`;
    if (dice < 0.44) return `absent(${inner()})`;
    if (dice < 0.5) {
      const source = random.pick(["a", "b", "__name__", "none"]);
      const target = random.pick(["a", "new", "c", "__name__"]);
      return `label_replace(${inner()}, "${target}", "${random.pick(["v-$1", "$1", "", "same"])}", "${source}", "${random.pick(["(.*)", "x|y", "(.)", ""])}")`;
    }
    if (dice < 0.53) return `label_join(${inner()}, "${random.pick(["joined", "a"])}", "-", "a", "b")`;
    if (dice < 0.57) return `${random.pick(["sort", "sort_desc"])}(${inner()})`;
    if (dice < 0.59)
      return `${random.pick(["sort_by_label", "sort_by_label_desc"])}(${inner()}, "${random.pick(["a", "b", "le"])}")`;
    if (dice < 0.69) return this.#quantileCall(depth);
    if (dice < 0.75)
      return `histogram_fraction(${random.pick(["0", "0.1", "-Inf", "1"])}, ${random.pick(["1", "5", "Inf", "0.2", "NaN"])}, ${this.#bucketsOrNative(depth)})`;
    if (dice < 0.88)
      return `${random.pick(["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar"])}(${this.#histogram(depth - 1)})`;
    if (dice < 0.9)
      return `info(${random.pick(["app_requests_total", "up", "rate(app_requests_total[5m])"])}${random.pick(["", ', {version=~".+"}', ', {__name__=~".*_info"}', ', {__name__="build_info"}'])})`;
    return `-${inner()}`;
  }

  #bucketsOrNative(depth: number): string {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.4) return this.#histogram(depth - 1);
    if (dice < 0.5) return this.#selector(random.pick(["latency_bucket", "odd_bucket"])) + this.#modifiers();
    const range = this.#duration([60, 300, 600]);
    const rates = `rate(${this.#selector("latency_bucket")}[${range}])`;
    return dice < 0.6 ? rates : `sum by (le${random.pick(["", ", a", ", a, b"])}) (${rates})`;
  }

  #quantileCall(depth: number): string {
    return `histogram_quantile(${this.#quantile()}, ${this.#bucketsOrNative(depth)})`;
  }

  #rangeCall(depth: number): string {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.06) return `quantile_over_time(${this.#quantile()}, ${this.#floatRange(depth - 1)})`;
    if (dice < 0.12)
      return `predict_linear(${this.#floatRange(depth - 1)}, ${random.pick(["60", "600", "-300", "1h"])})`;
    if (dice < 0.15) {
      const factor = () => random.pick(["0.3", "0.5", "0.9", "0.1", "1.5"]);
      return `double_exponential_smoothing(${this.#floatRange(depth - 1)}, ${factor()}, ${factor()})`;
    }
    if (dice < 0.25)
      return `${random.pick(HISTOGRAM_RANGE_FUNCTIONS)}(${this.#floatRange(depth - 1, this.#histogramMetric())})`;
    return `${random.pick(RANGE_FUNCTIONS)}(${this.#floatRange(depth - 1)})`;
  }

  vector(depth: number): string {
    const random = this.#random;
    if (depth <= 0) return this.#bareSelector();
    const dice = random.next();
    if (dice < 0.08) return this.#bareSelector();
    if (dice < 0.1) return this.#selector(this.#histogramMetric());
    if (dice < 0.4) return this.#rangeCall(depth);
    if (dice < 0.62) return this.#aggregation(depth);
    if (dice < 0.82) return this.#binary(depth);
    return this.#call(depth);
  }
}
