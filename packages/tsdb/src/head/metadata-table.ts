/** What targets say about metrics: each different statement once. Series refer to it by number; 0 is none. */
import type { MetricMetadata } from "@pharos/model";

export class MetadataTable {
  readonly #entries: MetricMetadata[] = [];
  readonly #numbers = new Map<string, number>();

  intern(metadata: MetricMetadata): number {
    const key = `${metadata.type}\u0000${metadata.unit}\u0000${metadata.help}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#entries.push(metadata);
      this.#numbers.set(key, number);
    }
    return number;
  }

  get(number: number): MetricMetadata | undefined {
    return this.#entries[number - 1];
  }
}
