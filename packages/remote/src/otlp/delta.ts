/**
 * Makes cumulative metrics of delta ones by adding up each stream in memory, as the OpenTelemetry collector's
 * deltatocumulative processor does: a stream begins with its first point; points that are older than what was added are dropped;
 * a stream without points for five minutes is forgotten.
 */
import {
  type Attributes,
  type Buckets,
  type ExponentialPoint,
  type HistogramPoint,
  type NumberPoint,
  type OtlpMetric,
  type OtlpResource,
  type OtlpScope,
  Temporality,
} from "./model.ts";

type Point = NumberPoint | HistogramPoint | ExponentialPoint;

const STALE_MS = 5 * 60_000;
/** Streams at a time; those that come then are dropped. */
const MAX_STREAMS = 1_000_000;
/** Buckets an exponential histogram may have; it gets coarser to stay below. */
const MAX_BUCKETS = 160;
/** Indexes have 32 bits. */
const MAX_SHIFT = 31;

const keyOf = (attributes: Attributes): string =>
  attributes
    .map(([key, value]) => `${key}\u0000${value}`)
    .sort()
    .join("\u0001");

function addCounts(into: number[], counts: readonly number[]): void {
  for (let i = 0; i < counts.length; i++) into[i] = (into[i] ?? 0) + counts[i];
}

/** The same buckets, each 2^down of them together. */
function coarser({ offset, counts }: Buckets, steps: number): Buckets {
  const down = Math.min(steps, MAX_SHIFT);
  if (down === 0 || counts.length === 0) return { offset: offset >> down, counts: [...counts] };
  const first = offset >> down;
  const out: number[] = new Array(((offset + counts.length - 1) >> down) - first + 1).fill(0);
  for (let i = 0; i < counts.length; i++) out[((offset + i) >> down) - first] += counts[i];
  return { offset: first, counts: out };
}

function mergeBuckets(a: Buckets, b: Buckets): Buckets {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const offset = Math.min(a.offset, b.offset);
  const end = Math.max(a.offset + a.counts.length, b.offset + b.counts.length);
  const counts: number[] = new Array(end - offset).fill(0);
  for (const each of [a, b]) {
    for (let i = 0; i < each.counts.length; i++) counts[each.offset + i - offset] += each.counts[i];
  }
  return { offset, counts };
}

/** How many buckets both together would take at a scale that is `down` coarser. */
function width(a: Buckets, aDown: number, b: Buckets, bDown: number): number {
  const ends = [
    [a, aDown],
    [b, bDown],
  ].flatMap(([buckets, steps]) => {
    const { offset, counts } = buckets as Buckets;
    const down = Math.min(steps as number, MAX_SHIFT);
    return counts.length === 0 ? [] : [[offset >> down, (offset + counts.length - 1) >> down]];
  });
  if (ends.length === 0) return 0;
  return Math.max(...ends.map(([, last]) => last)) - Math.min(...ends.map(([first]) => first)) + 1;
}

function addExponential(into: ExponentialPoint, point: ExponentialPoint): void {
  const finer = Math.max(into.scale, point.scale);
  let scale = Math.min(into.scale, point.scale);
  for (const sign of ["positive", "negative"] as const) {
    const fits = (): boolean => width(into[sign], into.scale - scale, point[sign], point.scale - scale) <= MAX_BUCKETS;
    while (!fits() && finer - scale < 2 * MAX_SHIFT) scale--;
  }
  for (const sign of ["positive", "negative"] as const) {
    into[sign] = mergeBuckets(coarser(into[sign], into.scale - scale), coarser(point[sign], point.scale - scale));
  }
  into.scale = scale;
  into.zeroCount += point.zeroCount;
  into.count += point.count;
  into.sum = into.sum === undefined || point.sum === undefined ? undefined : into.sum + point.sum;
}

function addHistogram(into: HistogramPoint, point: HistogramPoint): void {
  const same = into.bounds.length === point.bounds.length && into.bounds.every((bound, i) => bound === point.bounds[i]);
  if (!same) {
    // Other bounds begin anew.
    into.bounds = point.bounds;
    into.bucketCounts = [...point.bucketCounts];
    into.count = point.count;
    into.sum = point.sum;
    into.start = point.start;
    return;
  }
  addCounts(into.bucketCounts, point.bucketCounts);
  into.count += point.count;
  into.sum = into.sum === undefined || point.sum === undefined ? undefined : into.sum + point.sum;
}

function add(into: Point, point: Point): void {
  if ("value" in into && "value" in point) into.value += point.value;
  else if ("bounds" in into && "bounds" in point) addHistogram(into, point);
  else if ("scale" in into && "scale" in point) addExponential(into, point);
  into.time = point.time;
  into.noValue = point.noValue;
  into.exemplars = point.exemplars;
}

export class DeltaToCumulative {
  readonly #streams = new Map<string, { point: Point; seen: number }>();
  #cleanAt = 0;

  /** Whether a request has anything to convert. */
  static hasDelta(resources: readonly OtlpResource[]): boolean {
    return resources.some(({ scopes }) =>
      scopes.some(({ metrics }) =>
        metrics.some(({ data }) => data && "temporality" in data && data.temporality === Temporality.delta),
      ),
    );
  }

  /** The request with its delta metrics cumulative. `now`: Unix ms. */
  convert(resources: readonly OtlpResource[], now: number): OtlpResource[] {
    this.#forget(now);
    return resources.map((resource) => ({
      ...resource,
      scopes: resource.scopes.map((scope) => ({
        ...scope,
        metrics: scope.metrics.map((metric) => this.#metric(resource, scope, metric, now)),
      })),
    }));
  }

  #metric(resource: OtlpResource, scope: OtlpScope, metric: OtlpMetric, now: number): OtlpMetric {
    const { data } = metric;
    if (!data || !("temporality" in data) || data.temporality !== Temporality.delta) return metric;
    const prefix = [
      keyOf(resource.attributes),
      scope.name,
      scope.version,
      keyOf(scope.attributes),
      metric.name,
      metric.unit,
      data.type,
    ].join("\u0002");
    const convert = <T extends Point>(points: readonly T[]): T[] =>
      points.flatMap((point) => this.#stream(`${prefix}\u0002${keyOf(point.attributes)}`, point, now));
    const temporality = Temporality.cumulative;
    switch (data.type) {
      case "sum":
        return { ...metric, data: { ...data, temporality, points: convert(data.points) } };
      case "histogram":
        return { ...metric, data: { ...data, temporality, points: convert(data.points) } };
      case "exponential":
        return { ...metric, data: { ...data, temporality, points: convert(data.points) } };
    }
  }

  #stream<T extends Point>(key: string, point: T, now: number): T[] {
    const known = this.#streams.get(key);
    if (!known) {
      if (this.#streams.size >= MAX_STREAMS) return [];
      this.#streams.set(key, { point: structuredClone(point), seen: now });
      return [point];
    }
    known.seen = now;
    // Older than what was added, or again: adding it would count twice.
    if (point.start < known.point.start || point.time <= known.point.time) return [];
    add(known.point, point);
    return [structuredClone(known.point) as T];
  }

  #forget(now: number): void {
    if (now < this.#cleanAt) return;
    this.#cleanAt = now + STALE_MS / 5;
    for (const [key, { seen }] of this.#streams) if (now - seen > STALE_MS) this.#streams.delete(key);
  }
}
