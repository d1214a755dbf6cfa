/** Values of the last ten minutes by their quantiles, as client_golang's summaries show them. */
import type { SummaryMetric } from "@pharos/exposition";

const QUANTILES = [0.5, 0.9, 0.99];
const WINDOW_MS = 600_000;
/** The latest values kept: enough for a 0.99 quantile, and little memory however often something is observed. */
const KEPT = 512;

export class SummaryChild {
  count = 0;
  sum = 0;
  readonly #quantiles: readonly number[];
  readonly #values: number[] = [];
  readonly #times: number[] = [];

  constructor(quantiles: readonly number[] = QUANTILES) {
    this.#quantiles = quantiles;
  }

  observe(value: number): void {
    const at = this.count % KEPT;
    this.count++;
    this.sum += value;
    this.#values[at] = value;
    this.#times[at] = Date.now();
  }

  /** Quantiles are NaN when nothing was observed in the window. */
  metric(labels: string[]): SummaryMetric {
    const oldest = Date.now() - WINDOW_MS;
    const recent = this.#values.filter((_value, i) => this.#times[i] >= oldest).sort((a, b) => a - b);
    return {
      labels,
      count: this.count,
      sum: this.sum,
      quantiles: this.#quantiles.map((quantile) => ({
        quantile,
        value:
          recent.length === 0 ? Number.NaN : recent[Math.min(recent.length - 1, Math.floor(quantile * recent.length))],
      })),
    };
  }
}
