/** Metrics of OpenTelemetry as far as they become samples; both encodings are read into this. Times are Unix ms, 0 for none. */

/** Values as texts, in the order they came. */
export type Attributes = readonly (readonly [key: string, value: string])[];

export interface OtlpExemplar {
  time: number;
  value: number;
  /** Hexadecimal, "" for none. */
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

interface PointBase {
  attributes: Attributes;
  start: number;
  time: number;
  /** The source says that it has no value any more. */
  noValue: boolean;
}

export interface NumberPoint extends PointBase {
  value: number;
  exemplars: OtlpExemplar[];
}

export interface HistogramPoint extends PointBase {
  count: number;
  sum: number | undefined;
  /** Not cumulative; one more than bounds. */
  bucketCounts: number[];
  bounds: number[];
  exemplars: OtlpExemplar[];
}

export interface Buckets {
  offset: number;
  counts: number[];
}

export interface ExponentialPoint extends PointBase {
  count: number;
  sum: number | undefined;
  scale: number;
  zeroCount: number;
  positive: Buckets;
  negative: Buckets;
  exemplars: OtlpExemplar[];
}

export interface SummaryPoint extends PointBase {
  count: number;
  sum: number;
  quantiles: { quantile: number; value: number }[];
}

/** As in the protocol. */
export const Temporality = { unspecified: 0, delta: 1, cumulative: 2 } as const;

export type OtlpData =
  | { type: "gauge"; points: NumberPoint[] }
  | { type: "sum"; points: NumberPoint[]; temporality: number; monotonic: boolean }
  | { type: "histogram"; points: HistogramPoint[]; temporality: number }
  | { type: "exponential"; points: ExponentialPoint[]; temporality: number }
  | { type: "summary"; points: SummaryPoint[] };

export interface OtlpMetric {
  name: string;
  description: string;
  unit: string;
  /** undefined for a kind that is not known. */
  data: OtlpData | undefined;
}

export interface OtlpScope {
  name: string;
  version: string;
  schemaUrl: string;
  attributes: Attributes;
  metrics: OtlpMetric[];
}

export interface OtlpResource {
  attributes: Attributes;
  scopes: OtlpScope[];
}

/** Messages inside one another, in attributes, at most. */
export const MAX_DEPTH = 32;

/** As Go's encoding/json writes a float. */
export function jsonNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  // JavaScript writes plain digits from 1e-6 to 1e21 as well.
  if (value === 0 || (size >= 1e-6 && size < 1e21)) return Object.is(value, -0) ? "-0" : String(value);
  return value.toExponential().replace(/e-0?(\d)$/, "e-0$1");
}
