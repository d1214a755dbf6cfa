import type { MetricFamily } from "./family.ts";
import type { ExpositionFormat } from "./negotiate.ts";
import { writeProtobuf } from "./write-protobuf.ts";
import { writeOpenMetrics, writeText } from "./write-text.ts";

/** Families in the given format, in the given order. */
export function encode(families: Iterable<MetricFamily>, format: ExpositionFormat): Uint8Array {
  switch (format) {
    case "text":
      return Buffer.from(writeText(families));
    case "openmetrics":
      return Buffer.from(writeOpenMetrics(families));
    case "protobuf":
      return writeProtobuf(families);
  }
}
