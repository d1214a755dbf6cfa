/** Which format a scraper gets: the best one of its Accept header by q that we have, else text 0.0.4. */
import { ESCAPING_SCHEMES, type EscapingScheme } from "./names.ts";

export type ExpositionFormat = "text" | "openmetrics" | "protobuf";

export interface Negotiated {
  format: ExpositionFormat;
  /** How names outside the classic character set are to be written. */
  escaping: EscapingScheme;
  contentType: string;
}

const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  protobuf: "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
};
const ALL: readonly ExpositionFormat[] = ["openmetrics", "protobuf", "text"];

interface Clause {
  type: string;
  parameters: Readonly<Record<string, string>>;
  weight: number;
}

function parseAccept(header: string): Clause[] {
  const clauses: Clause[] = [];
  for (const part of header.split(",")) {
    const [type, ...pieces] = part.split(";").map((piece) => piece.trim());
    if (!/^[^/\s]+\/[^/\s]+$/.test(type)) continue;
    const parameters: Record<string, string> = {};
    for (const piece of pieces) {
      const equals = piece.indexOf("=");
      if (equals > 0)
        parameters[piece.slice(0, equals).trim()] = piece
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, "$1");
    }
    const weight = parameters.q === undefined ? 1 : Number(parameters.q);
    clauses.push({ type: type.toLowerCase(), parameters, weight: Number.isFinite(weight) ? weight : 1 });
  }
  // Stable: of equals the one written first.
  return clauses.sort((a, b) => b.weight - a.weight);
}

function matches({ type, parameters }: Clause, format: ExpositionFormat): boolean {
  const { version = "", proto, encoding } = parameters;
  if (type === "*/*") return true;
  switch (format) {
    case "openmetrics":
      return (
        type === "application/*" ||
        (type === "application/openmetrics-text" && ["", "0.0.1", "1.0.0"].includes(version))
      );
    case "protobuf":
      return (
        type === "application/vnd.google.protobuf" &&
        proto === "io.prometheus.client.MetricFamily" &&
        encoding === "delimited"
      );
    case "text":
      return type === "text/*" || (type === "text/plain" && ["", "0.0.4", "1.0.0"].includes(version));
  }
}

/**
 * Format and content type for an Accept header. `offered` are the formats the exporter has; a wildcard takes text, which
 * everybody reads. A scraper that does not say how to escape names gets underscores.
 */
export function negotiate(accept?: string, offered: readonly ExpositionFormat[] = ALL): Negotiated {
  let escaping: EscapingScheme = "underscores";
  const answer = (format: ExpositionFormat): Negotiated => ({
    format,
    escaping,
    contentType: `${CONTENT_TYPES[format]}; escaping=${escaping}`,
  });
  for (const clause of parseAccept(accept ?? "")) {
    if (clause.weight <= 0) continue;
    const wanted = clause.parameters.escaping as EscapingScheme | undefined;
    if (wanted && ESCAPING_SCHEMES.includes(wanted)) escaping = wanted;
    if (clause.type === "*/*") return answer("text");
    const format = offered.find((candidate) => matches(clause, candidate));
    if (format) {
      const old = format === "openmetrics" && (clause.parameters.version ?? "0.0.1") === "0.0.1";
      const { contentType } = answer(format);
      return { format, escaping, contentType: old ? contentType.replace("1.0.0", "0.0.1") : contentType };
    }
  }
  return answer("text");
}
