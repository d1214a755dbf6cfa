/** Cardinality statistics, in the form of /api/v1/status/tsdb. */
import { type Matcher, METRIC_NAME } from "@pharos/model";
import type { BudgetSource } from "./head/budget.ts";
import type { Head } from "./head/head.ts";

export interface HeadStats {
  numSeries: number;
  numLabelPairs: number;
  chunkCount: number;
  minTime: number;
  maxTime: number;
}

export interface NameValue {
  name: string;
  value: number;
}

export interface TsdbStatus {
  headStats: HeadStats;
  seriesCountByMetricName: NameValue[];
  labelValueCountByLabelName: NameValue[];
  memoryInBytesByLabelName: NameValue[];
  seriesCountByLabelValuePair: NameValue[];
  /** Pharos' own: the same for those labels by which people look for who is to blame. */
  seriesCountByJob: NameValue[];
  seriesCountByNamespace: NameValue[];
  /** Pharos' own: what the head takes, and who brought its series. */
  memory: {
    usedBytes: number;
    reservedBytes: number;
    budgetBytes: number;
    refusedSeries: number;
    sources: BudgetSource[];
  };
}

/** Series of the head by the values of a label. */
export interface Cardinality {
  /** Series that were counted. */
  series: number;
  /** Of them, those without the label. */
  without: number;
  /** How many values there are. */
  distinct: number;
  /** Those with the most series, most first. */
  values: NameValue[];
}

/** The largest of many, without ordering them all or making names of those that are not among them. */
export class Top<T> {
  readonly #limit: number;
  readonly #nameOf: (entry: T) => string;
  readonly #heap: { name: string; value: number }[] = [];

  constructor(limit: number, nameOf: (entry: T) => string) {
    this.#limit = limit;
    this.#nameOf = nameOf;
  }

  add(entry: T, value: number): void {
    const heap = this.#heap;
    if (this.#limit <= 0) return;
    if (heap.length === this.#limit) {
      if (value < heap[0].value) return;
      const next = { name: this.#nameOf(entry), value };
      if (!before(next, heap[0])) return;
      heap[0] = next;
      for (let at = 0; ; ) {
        let last = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < heap.length && before(heap[last], heap[child])) last = child;
        }
        if (last === at) return;
        [heap[at], heap[last]] = [heap[last], heap[at]];
        at = last;
      }
    }
    heap.push({ name: this.#nameOf(entry), value });
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!before(heap[parent], heap[at])) return;
      [heap[at], heap[parent]] = [heap[parent], heap[at]];
      at = parent;
    }
  }

  /** Largest first, equal ones by name. */
  entries(): NameValue[] {
    return this.#heap.toSorted((a, b) => (before(a, b) ? -1 : 1));
  }
}

function before(a: NameValue, b: NameValue): boolean {
  return a.value > b.value || (a.value === b.value && a.name < b.name);
}

export function headStats(head: Head): HeadStats {
  const empty = head.seriesCount === 0;
  return {
    numSeries: head.seriesCount,
    numLabelPairs: head.store.index.pairCount,
    chunkCount: head.store.chunkCount,
    minTime: empty ? 0 : head.minTime,
    maxTime: empty ? 0 : head.maxTime,
  };
}

export function tsdbStatus(head: Head, limit: number): TsdbStatus {
  const { index } = head.store;
  const text = (pair: number): string => index.valueText(pair);
  const pairs = new Top<{ name: string; pair: number }>(limit, ({ name, pair }) => `${name}=${text(pair)}`);
  const bytes = new Top<string>(limit, (name) => name);
  const values = new Top<string>(limit, (name) => name);
  const byValue = new Map([METRIC_NAME, "job", "namespace"].map((name) => [name, new Top<number>(limit, text)]));
  for (const name of index.names()) {
    const own = byValue.get(name);
    let size = 0;
    for (const { pair, series, bytes: length } of index.statistics(name)) {
      pairs.add({ name, pair }, series);
      own?.add(pair, series);
      size += length * series;
    }
    bytes.add(name, size);
    values.add(name, index.valueCount(name));
  }
  const entriesOf = (name: string): NameValue[] => byValue.get(name)!.entries();
  return {
    headStats: headStats(head),
    seriesCountByMetricName: entriesOf(METRIC_NAME),
    labelValueCountByLabelName: values.entries(),
    memoryInBytesByLabelName: bytes.entries(),
    seriesCountByLabelValuePair: pairs.entries(),
    seriesCountByJob: entriesOf("job"),
    seriesCountByNamespace: entriesOf("namespace"),
    memory: {
      usedBytes: head.budget.used,
      reservedBytes: head.store.reservedBytes,
      budgetBytes: head.budget.limit,
      refusedSeries: head.budget.refused,
      sources: head.budget.sources
        .filter(({ name, refused }) => name !== "" || refused > 0)
        .toSorted((a, b) => b.series - a.series)
        .slice(0, limit)
        .map(({ name, series, growth, refused }) => ({ name, series, growth, refused })),
    },
  };
}

/** Counts the series of the head by a label: all of them, which costs next to nothing, or those that matchers select. */
export function cardinality(head: Head, label: string, matchers: readonly Matcher[], limit: number): Cardinality {
  const { index, table } = head.store;
  const values = new Top<number>(limit, (pair) => index.valueText(pair));
  let counted = 0;
  let distinct = 0;
  const take = (pair: number, series: number): void => {
    counted += series;
    distinct++;
    values.add(pair, series);
  };
  let total = head.seriesCount;
  if (matchers.length === 0) for (const { pair, series } of index.statistics(label)) take(pair, series);
  else {
    const selected = head.select(matchers);
    total = selected.length;
    const counts = new Map<number, number>();
    for (const series of selected) {
      const pair = table.pairOf(series, label);
      if (pair >= 0) counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
    for (const [pair, series] of counts) take(pair, series);
  }
  return { series: total, without: total - counted, distinct, values: values.entries() };
}
