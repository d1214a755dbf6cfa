import type { MetricFamily } from "./family.ts";
import type { EscapingScheme } from "./names.ts";
import type { ExpositionFormat } from "./negotiate.ts";
import { writeProtobuf } from "./write-protobuf.ts";
import { writeOpenMetrics, writeText } from "./write-text.ts";

/** Families in the given format, in the given order, their names escaped as the scraper asked for it. */
export function encode(
  families: Iterable<MetricFamily>,
  format: ExpositionFormat,
  escaping: EscapingScheme = "underscores",
): Uint8Array {
  switch (format) {
    case "text":
      return Buffer.from(writeText(families, escaping));
    case "openmetrics":
      return Buffer.from(writeOpenMetrics(families, escaping));
    case "protobuf":
      return writeProtobuf(families, escaping);
  }
}
