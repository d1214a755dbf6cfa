/** Which format a scraper gets: the best supported one of its Accept header by q, else text 0.0.4. */
export type ExpositionFormat = "text" | "openmetrics" | "protobuf";

const CONTENT_TYPES: Record<ExpositionFormat, string> = {
  text: "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
  protobuf:
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
};

function formatOf(type: string, parameters: Readonly<Record<string, string>>): ExpositionFormat | undefined {
  switch (type) {
    case "application/openmetrics-text":
      return ["", "0.0.1", "1.0.0"].includes(parameters.version ?? "") ? "openmetrics" : undefined;
    case "application/vnd.google.protobuf":
      return parameters.proto === "io.prometheus.client.MetricFamily" && parameters.encoding === "delimited"
        ? "protobuf"
        : undefined;
    case "text/plain":
      return ["", "0.0.4", "1.0.0"].includes(parameters.version ?? "") ? "text" : undefined;
    case "*/*":
    case "text/*":
      return "text";
    default:
      return undefined;
  }
}

export interface Negotiated {
  format: ExpositionFormat;
  contentType: string;
}

export function negotiate(accept?: string): Negotiated {
  let best: ExpositionFormat = "text";
  let bestWeight = 0;
  for (const part of (accept ?? "").split(",")) {
    const [type, ...pieces] = part.split(";").map((piece) => piece.trim());
    const parameters = Object.fromEntries(pieces.map((piece) => piece.split("=", 2) as [string, string]));
    const weight = parameters.q === undefined ? 1 : Number(parameters.q);
    const format = formatOf(type.toLowerCase(), parameters);
    if (format && weight > bestWeight) {
      best = format;
      bestWeight = weight;
    }
  }
  return { format: best, contentType: CONTENT_TYPES[best] };
}
