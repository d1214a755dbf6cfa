/**
 * The notation of series in rule tests and promqltest files: `metric{label="value"} 1 2+3x4 _ stale {{schema:1 …}}x2`.
 */
import { type CounterResetHint, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram, Labels } from "@pharos/model";
import { addHistograms, subtractHistograms } from "../histogram/algebra.ts";
import { PromqlParseError } from "./error.ts";
import { tokenize } from "./lexer.ts";
import { unquote } from "./literal.ts";
import { quote } from "./text.ts";

/** One position in a sequence. */
export interface SequenceValue {
  omitted: boolean;
  stale: boolean;
  value: number;
  histogram?: FloatHistogram;
  /** The notation named a counter reset hint, so an expectation includes it. */
  hintGiven: boolean;
}

export interface SeriesDescription {
  labels: Labels;
  values: SequenceValue[];
}

/** More positions in one series are refused. */
const MAX_VALUES = 10_000_000;

const NUMBER = "(?:inf|nan|(?:\\d[\\d_]*\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)";
const ITEM = new RegExp(`^([+-]?${NUMBER}|stale)(?:([+-]${NUMBER}))?(?:x(\\d+))?$`, "i");

const OMITTED: SequenceValue = { omitted: true, stale: false, value: 0, hintGiven: false };

function float(value: number): SequenceValue {
  return { omitted: false, stale: false, value, hintGiven: false };
}

function parseFloatText(text: string): number {
  const bare = text.replaceAll("_", "");
  if (/inf$/i.test(bare)) return bare.startsWith("-") ? -Infinity : Infinity;
  return Number(bare);
}

/** Throws PromqlParseError. */
export function parseSeriesDescription(input: string): SeriesDescription {
  return new SeriesParser(input).parse();
}

class SeriesParser {
  readonly #input: string;
  #pos = 0;

  constructor(input: string) {
    this.#input = input;
  }

  #fail(message: string, start = this.#pos): never {
    throw new PromqlParseError(this.#input, start, this.#input.length, message);
  }

  parse(): SeriesDescription {
    const labels = this.#metric();
    const values: SequenceValue[] = [];
    while (this.#pos < this.#input.length) {
      if (!/\s/.test(this.#input[this.#pos]))
        this.#fail(`unexpected ${quote(this.#input[this.#pos])} in series values`);
      while (/\s/.test(this.#input[this.#pos] ?? "")) this.#pos++;
      if (this.#pos >= this.#input.length) break;
      const item = this.#input.startsWith("{{", this.#pos) ? this.#histogramItem() : this.#floatItem();
      if (values.length + item.length > MAX_VALUES) this.#fail(`a series has more than ${MAX_VALUES} values`);
      for (const value of item) values.push(value);
    }
    return { labels, values };
  }

  #metric(): Labels {
    const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(this.#input)?.[0] ?? "";
    this.#pos = name.length;
    const pairs: [string, string][] = name === "" ? [] : [["__name__", name]];
    if (this.#input[this.#pos] === "{" && this.#input[this.#pos + 1] !== "{") this.#labelSet(pairs);
    return Labels.fromEntries(pairs);
  }

  #labelSet(pairs: [string, string][]): void {
    const base = this.#pos;
    const tokens = tokenize(this.#input.slice(base));
    let i = 1;
    const unexpected = (expected: string): never => {
      const token = tokens[i];
      if (token.type === "error") this.#fail(token.text, base + token.start);
      this.#fail(`unexpected ${quote(token.text)} in label set, expected ${expected}`, base + token.start);
    };
    while (tokens[i].id !== "}") {
      const label = tokens[i];
      if (label.type !== "identifier" && label.type !== "string") unexpected('identifier or "}"');
      i++;
      const name = label.type === "string" ? unquote(label.text) : label.text;
      if (tokens[i].id === "=") {
        i++;
        if (tokens[i].type !== "string") unexpected("string");
        pairs.push([name, unquote(tokens[i++].text)]);
      } else if (label.type === "string") pairs.push(["__name__", name]);
      else unexpected('"="');
      if (tokens[i].id === ",") i++;
      else if (tokens[i].id !== "}") unexpected('"," or "}"');
    }
    this.#pos = base + tokens[i].end;
  }

  #word(): string {
    const start = this.#pos;
    while (this.#pos < this.#input.length && !/\s/.test(this.#input[this.#pos])) this.#pos++;
    return this.#input.slice(start, this.#pos);
  }

  #times(text: string): number {
    const times = Number(text);
    if (times > MAX_VALUES) this.#fail(`a series has more than ${MAX_VALUES} values`);
    return times;
  }

  #floatItem(): SequenceValue[] {
    const start = this.#pos;
    const word = this.#word();
    const blank = /^_(?:x(\d+))?$/.exec(word);
    if (blank) return new Array(blank[1] === undefined ? 1 : this.#times(blank[1])).fill(OMITTED);
    const match = ITEM.exec(word);
    if (!match || (match[2] !== undefined && match[3] === undefined)) {
      this.#fail(`unexpected ${quote(word)} in series values, expected number or "stale"`, start);
    }
    const [, first, increment, times] = match;
    // `x2` means two more than the value itself.
    const count = times === undefined ? 1 : this.#times(times) + 1;
    if (/^stale$/i.test(first)) return new Array(count).fill({ ...float(Number.NaN), stale: true });
    const out: SequenceValue[] = [];
    let value = parseFloatText(first);
    const step = increment === undefined ? 0 : parseFloatText(increment);
    for (let i = 0; i < count; i++) {
      out.push(float(value));
      if (increment !== undefined) value += step;
    }
    return out;
  }

  #histogramItem(): SequenceValue[] {
    const base = this.#histogram();
    const sign = this.#input[this.#pos];
    let increment: SequenceValue | undefined;
    if ((sign === "+" || sign === "-") && this.#input.startsWith("{{", this.#pos + 1)) {
      this.#pos++;
      increment = this.#histogram();
    }
    const start = this.#pos;
    const rest = /^x(\d+)$/.exec(this.#word());
    if (!rest) {
      if (this.#pos !== start || increment) this.#fail("unexpected text behind a histogram in series values", start);
      return [base];
    }
    const count = this.#times(rest[1]) + 1;
    if (!increment) return new Array(count).fill(base);
    const out = [base];
    const { hintGiven } = increment;
    const combine = sign === "+" ? addHistograms : subtractHistograms;
    let current = base.histogram!;
    for (let i = 1; i < count; i++) {
      if (current.schema > increment.histogram!.schema) {
        this.#fail(
          `error combining histograms: cannot merge from schema ${increment.histogram!.schema} to ${current.schema}`,
        );
      }
      current = combine(current, increment.histogram!).histogram;
      out.push({ ...base, histogram: current, hintGiven });
    }
    out[0] = { ...base, hintGiven };
    return out;
  }

  /** `{{…}}` */
  #histogram(): SequenceValue {
    const start = this.#pos;
    const end = this.#input.indexOf("}}", start);
    if (end < 0) this.#fail("histogram description is not closed", start);
    const body = this.#input.slice(start + 2, end).trim();
    this.#pos = end + 2;
    const fields = new Map<string, string>();
    const pattern = /\s*([a-z_]+):(\[[^\]]*\]|\S+)/gy;
    let read = 0;
    for (let match = pattern.exec(body); match; match = pattern.exec(body)) {
      if (fields.has(match[1])) this.#fail(`duplicate key "${match[1]}" in histogram`, start);
      fields.set(match[1], match[2]);
      read = pattern.lastIndex;
    }
    if (read !== body.length) {
      this.#fail("unexpected text in histogram description, expected histogram description key, e.g. buckets:[5 10 7]");
    }
    return this.#build(fields, start);
  }

  #build(fields: Map<string, string>, start: number): SequenceValue {
    const number = (key: string): number => {
      const text = fields.get(key);
      fields.delete(key);
      if (text === undefined) return 0;
      if (!new RegExp(`^[+-]?${NUMBER}$`, "i").test(text)) {
        this.#fail(`error parsing ${key} number: ${text}`, start);
      }
      return parseFloatText(text);
    };
    const list = (key: string): number[] => {
      const text = fields.get(key);
      fields.delete(key);
      const words = text?.replace(/^\[|\]$/g, "").trim();
      return words ? words.split(/\s+/).map(parseFloatText) : [];
    };
    const hint = fields.get("counter_reset_hint");
    fields.delete("counter_reset_hint");
    const hints: CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];
    if (hint !== undefined && !hints.includes(hint as CounterResetHint)) {
      this.#fail(`bad histogram descriptor found: ${quote(hint)}`, start);
    }
    const schema = number("schema");
    const positiveBuckets = list("buckets");
    const negativeBuckets = list("n_buckets");
    const offset = number("offset");
    const negativeOffset = number("n_offset");
    const customValues = list("custom_values");
    const histogram: FloatHistogram = {
      kind: "float",
      counterResetHint: (hint ?? "unknown") as CounterResetHint,
      schema,
      sum: number("sum"),
      count: number("count"),
      zeroCount: number("z_bucket"),
      zeroThreshold: number("z_bucket_w"),
      positiveSpans: positiveBuckets.length > 0 ? [{ offset, length: positiveBuckets.length }] : [],
      positiveBuckets,
      negativeSpans: negativeBuckets.length > 0 ? [{ offset: negativeOffset, length: negativeBuckets.length }] : [],
      negativeBuckets,
      customValues: schema === CUSTOM_BUCKETS_SCHEMA ? customValues : [],
    };
    for (const key of fields.keys()) this.#fail(`bad histogram descriptor found: ${quote(key)}`, start);
    return { ...float(0), histogram, hintGiven: hint !== undefined };
  }
}
