/** /otlp/v1/metrics: metrics by OpenTelemetry's protocol, only with --web.enable-otlp-receiver. */
import { BodyTooLarge, gunzip, type Logger, type Registry } from "@pharos/kit";
import { type Appendable, describeError, UserError } from "@pharos/model";
import { DeltaToCumulative, decodeOtlpJson, decodeOtlpProtobuf, type OtlpConfig, receiveOtlp } from "@pharos/remote";
import type { FastifyInstance } from "fastify";

/** Bytes a request may have, unpacked. */
const LIMIT = 32 * 2 ** 20;
const AHEAD_MS = 10 * 60_000;
const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

export interface OtlpContext {
  enabled: boolean;
  storage: Appendable;
  registry: Registry;
  log: Logger;
  lookbackMs: number;
  /** "convert" adds delta metrics up, "store" keeps them as they are, "refuse" takes none. */
  delta: "convert" | "store" | "refuse";
  typeAndUnitLabels: boolean;
  config(): OtlpConfig | undefined;
  now(): number;
}

function decode(body: Buffer, contentType: string, encoding: string) {
  const decoder = { [PROTOBUF]: decodeOtlpProtobuf, [JSON_TYPE]: decodeOtlpJson }[contentType];
  if (!decoder) {
    throw new UserError(
      "prometheus.otlp",
      `unsupported content type: ${contentType}, supported: [${JSON_TYPE}, ${PROTOBUF}]`,
    );
  }
  if (encoding !== "" && encoding !== "gzip") {
    throw new UserError(
      "prometheus.otlp",
      `unsupported compression: ${encoding}. Only "gzip" or no compression supported`,
    );
  }
  try {
    return decoder(encoding === "gzip" ? gunzip(body, LIMIT, 4 * body.length) : body);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reason = error instanceof BodyTooLarge ? `larger than ${LIMIT} bytes` : describeError(error);
    throw new UserError("prometheus.otlp", `the body cannot be unpacked: ${reason}`, { cause: error });
  }
}

export function mountOtlp(app: FastifyInstance, context: OtlpContext): void {
  const { enabled, storage, registry, log, lookbackMs, delta, typeAndUnitLabels, config, now } = context;
  const bare = registry.counter(
    "prometheus_api_otlp_appended_samples_without_metadata_total",
    "The total number of samples ingested from OTLP without corresponding metadata.",
  );
  const late = registry.counter(
    "prometheus_api_otlp_out_of_order_exemplars_total",
    "The total number of received OTLP exemplars which were rejected because they were out of order.",
  );
  const warnings = registry.counter(
    "prometheus_api_otlp_translation_warnings_total",
    "The total number of warnings produced while translating OTLP metrics to the Prometheus model, by category.",
    ["category"],
  );
  const cumulative = new DeltaToCumulative();
  // A scope of its own: JSON is taken as bytes here, and read elsewhere.
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: LIMIT }, (_request, body, done) =>
      done(null, body),
    );
    scope.post("/api/v1/otlp/v1/metrics", { bodyLimit: LIMIT }, async (request, reply) => {
      const text = (code: number, message: string) =>
        reply.code(code).type("text/plain; charset=utf-8").send(`${message}\n`);
      if (!enabled) return text(404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver");
      const { "content-type": contentType = "", "content-encoding": encoding = "" } = request.headers;
      const otlp = config();
      if (!otlp) return text(503, "Service Unavailable");
      try {
        let resources = decode((request.body as Buffer | undefined) ?? Buffer.alloc(0), contentType, encoding);
        if (delta === "convert" && DeltaToCumulative.hasDelta(resources))
          resources = cumulative.convert(resources, now());
        const outcome = receiveOtlp(storage, resources, {
          config: otlp,
          allowDelta: delta === "store",
          typeAndUnitLabels,
          lookbackMs,
          maxTime: now() + AHEAD_MS,
        });
        bare.inc(outcome.bare);
        late.inc(outcome.lateExemplars);
        for (const { category } of outcome.warnings) warnings.labels(category).inc();
        if (outcome.warnings.length > 0) {
          const first = outcome.warnings.slice(0, 10).map((warning) => warning.text);
          log.warn("Warnings translating OTLP metrics to Prometheus write request", { warnings: first.join("; ") });
        }
        if (outcome.faults.length > 0) {
          log.error("Error appending remote write", { err: outcome.faults[0] });
          return text(500, outcome.faults.slice(0, 10).join("\n"));
        }
        if (outcome.refused === 0) return reply.code(200).send();
        const more = outcome.refused - outcome.refusals.length;
        return text(400, outcome.refusals.join("\n") + (more > 0 ? `\nand ${more} more` : ""));
      } catch (error) {
        log.error("Error decoding OTLP write request", { err: error });
        const unreadable = error instanceof UserError && !error.code.startsWith("tsdb.");
        return text(unreadable ? 400 : 500, error instanceof UserError ? error.message : describeError(error));
      }
    });
  });
}
