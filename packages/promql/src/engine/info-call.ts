/** info(): adds the labels of matching info series, which describe what the `job` and `instance` of a series are. */
import { type Labels, LabelsBuilder, Matcher } from "@pharos/model";
import type { Call, Expr, VectorSelector } from "../parser/ast.ts";
import { childrenOf } from "../parser/walk.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { selectInstantSeries } from "./instant-selector.ts";
import { mergeRows } from "./labels.ts";
import { NOTHING, type Row, type SeriesRow, type VectorResult } from "./row.ts";
import { selectSeries } from "./select.ts";

const IDENTIFYING = ["instance", "job"];

/** At which time the info series hold: that of the first selector of the expression. */
function infoTime(expr: Expr): { timestamp: number | undefined; offset: number } {
  const find = (node: Expr, path: Expr[]): { timestamp: number | undefined; offset: number } | undefined => {
    if (node.kind === "vectorSelector") {
      let { timestamp, offset } = node;
      for (let i = path.length - 1; timestamp === undefined && i >= 0; i--) {
        const outer = path[i];
        if (outer.kind !== "subquery") continue;
        offset += outer.offset;
        timestamp = outer.timestamp;
      }
      return { timestamp, offset };
    }
    for (const child of childrenOf(node)) {
      const found = find(child, [...path, node]);
      if (found) return found;
    }
    return undefined;
  };
  return find(expr, []) ?? { timestamp: undefined, offset: 0 };
}

/** With nothing but negative matchers, everything that is called an info metric; without any, target_info. */
function effectiveNameMatchers(matchers: readonly Matcher[]): Matcher[] {
  if (matchers.some(({ type }) => type === "=" || type === "=~")) return [...matchers];
  if (matchers.length > 0) return [new Matcher("=~", "__name__", ".+_info"), ...matchers];
  return [new Matcher("=", "__name__", "target_info")];
}

function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

interface InfoSeries {
  labels: Labels;
  name: string;
  row: Row;
}

class Enrichment {
  readonly #context: Context;
  readonly #dataMatchers: readonly Matcher[];
  readonly #nameMatchers: Matcher[];
  /** Info series by metric name and identifying labels. */
  readonly #info = new Map<string, InfoSeries[]>();
  #names: string[] = [];

  constructor(context: Context, selector: VectorSelector | undefined) {
    this.#context = context;
    const matchers = selector?.matchers ?? [];
    this.#dataMatchers = matchers.filter(({ name }) => name !== "__name__");
    this.#nameMatchers = effectiveNameMatchers(matchers.filter(({ name }) => name === "__name__"));
  }

  /** Info series themselves are left as they are. */
  isInfo(labels: Labels): boolean {
    return this.#nameMatchers.every((matcher) => matcher.matches(labels.metricName));
  }

  #signature(name: string, labels: Labels): string {
    return [name, ...IDENTIFYING.map((label) => labels.get(label))].join("\u00ff");
  }

  async load(base: readonly SeriesRow[], expr: Expr): Promise<void> {
    const matchers: Matcher[] = [];
    for (const label of IDENTIFYING) {
      const values = new Set<string>();
      for (const { labels } of base) if (!this.isInfo(labels)) values.add(labels.get(label));
      values.delete("");
      if (values.size > 0) matchers.push(new Matcher("=~", label, [...values].map(quoteMeta).join("|")));
    }
    if (matchers.length === 0) return;
    matchers.push(...this.#dataMatchers, ...this.#nameMatchers);
    const { timestamp, offset } = infoTime(expr);
    const { query, start, end, interval } = this.#context;
    const hints = {
      start: (timestamp ?? start) - query.settings.lookbackMs + 1 - offset,
      end: (timestamp ?? end) - offset,
      step: interval,
      func: "info",
    };
    const stored = await selectSeries(query, matchers, hints);
    const vector = selectInstantSeries(this.#context, stored, offset, timestamp);
    for (const { labels, row } of await this.#context.collect(vector)) {
      const name = labels.metricName;
      const key = this.#signature(name, labels);
      const known = this.#info.get(key);
      if (known) known.push({ labels, name, row });
      else this.#info.set(key, [{ labels, name, row }]);
      if (!this.#names.includes(name)) this.#names.push(name);
    }
  }

  /** The newest of the info series at a step. */
  #newest(series: readonly InfoSeries[], step: number): InfoSeries | undefined {
    let best: InfoSeries | undefined;
    for (const candidate of series) {
      if (candidate.row.kinds[step] === NOTHING) continue;
      const time = candidate.row.values[step];
      const bestTime = best?.row.values[step] ?? -Infinity;
      if (best && time === bestTime) {
        throw executionError(
          `found duplicate series for info metric: existing ${best.labels} @ ${bestTime * 1000}, new ${candidate.labels} @ ${time * 1000}`,
        );
      }
      if (time > bestTime) best = candidate;
    }
    return best;
  }

  /** The labels of a series at a step with those of its info series; undefined when it is to be left out. */
  enrich(labels: Labels, step: number): Labels | undefined {
    const added = new LabelsBuilder();
    let matched = false;
    for (const name of this.#names) {
      const series = this.#info.get(this.#signature(name, labels));
      const info = series && this.#newest(series, step);
      if (!info) continue;
      matched = true;
      for (const [label, value] of info.labels) {
        if (label === "__name__" || !this.#isWanted(label)) continue;
        const known = added.get(label);
        if (known !== "" && known !== value) throw executionError(`conflicting label: ${label}`);
        if (!labels.has(label)) added.set(label, value);
      }
    }
    if (!matched && this.#dataMatchers.some((matcher) => !matcher.matchesEmpty)) return undefined;
    let out = labels;
    for (const [label, value] of added.entries()) out = out.with(label, value);
    return out;
  }

  #isWanted(label: string): boolean {
    return this.#dataMatchers.length === 0 || this.#dataMatchers.some(({ name }) => name === label);
  }
}

export async function callInfo(context: Context, call: Call, vector: VectorResult): Promise<VectorResult> {
  const enrichment = new Enrichment(context, call.args[1] as VectorSelector | undefined);
  const base = await context.collect(vector);
  await enrichment.load(base, call.args[0]);
  const out: SeriesRow[] = [];
  for (const series of base) {
    if (enrichment.isInfo(series.labels)) {
      out.push(series);
      continue;
    }
    const parts = new Map<string, SeriesRow>();
    for (let step = 0; step < context.steps; step++) {
      if (series.row.kinds[step] === NOTHING) continue;
      const labels = enrichment.enrich(series.labels, step);
      if (!labels) continue;
      const key = labels.key();
      let part = parts.get(key);
      if (!part) {
        part = { labels, dropName: series.dropName, row: context.newRow() };
        parts.set(key, part);
        out.push(part);
      }
      part.row.set(step, series.row.histogram(step) ?? series.row.values[step]);
    }
  }
  for (const { row } of base) context.release(row);
  for (const { row } of out) context.hold(row);
  return context.vectorOf(mergeRows(out));
}
