/** Which parser a target's answer needs, by its Content-Type and the job's fallback. */
import { UserError } from "@pharos/model";
import type { ScrapeProtocol } from "./config.ts";

export type BodyFormat = "text" | "openmetrics" | "protobuf";

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  "text/plain": "text",
  "application/openmetrics-text": "openmetrics",
  "application/vnd.google.protobuf": "protobuf",
};

const FALLBACKS: Readonly<Record<ScrapeProtocol, BodyFormat>> = {
  PrometheusProto: "protobuf",
  "OpenMetricsText0.0.1": "openmetrics",
  "OpenMetricsText1.0.0": "openmetrics",
  "PrometheusText0.0.4": "text",
  "PrometheusText1.0.0": "text",
};

/** Throws a UserError when the type is missing, malformed or unknown and the job names no fallback. */
export function bodyFormat(contentType: string | undefined, fallback: ScrapeProtocol | undefined): BodyFormat {
  const type = (contentType ?? "").split(";")[0].trim().toLowerCase();
  const known = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
  if (known) return known;
  if (fallback) return FALLBACKS[fallback];
  const shown = JSON.stringify(contentType);
  const message =
    type === ""
      ? "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
      : /^[^/\s]+\/[^/\s]+$/.test(type)
        ? `received unsupported Content-Type ${shown} and no fallback_scrape_protocol specified for target`
        : `cannot parse Content-Type ${shown} and no fallback_scrape_protocol for target`;
  throw new UserError("scrape.content-type", message, {
    fix: "Set fallback_scrape_protocol: PrometheusText0.0.4, or mend the target's Content-Type",
  });
}

const MEDIA_TYPES: Readonly<Record<ScrapeProtocol, string>> = {
  PrometheusProto: "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
  "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
  "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
  "PrometheusText0.0.4": "text/plain;version=0.0.4",
  "PrometheusText1.0.0": "text/plain;version=1.0.0",
};

/** The Accept header for these protocols, best first; only the newest text forms know how to escape names. */
export function acceptHeader(protocols: readonly ScrapeProtocol[], escaping: string): string {
  let weight = Object.keys(MEDIA_TYPES).length + 1;
  const parts = protocols.map((protocol) => {
    const escapes = protocol === "OpenMetricsText1.0.0" || protocol === "PrometheusText1.0.0";
    return `${MEDIA_TYPES[protocol]}${escapes ? `;escaping=${escaping}` : ""};q=0.${weight--}`;
  });
  return [...parts, `*/*;q=0.${weight}`].join(",");
}
