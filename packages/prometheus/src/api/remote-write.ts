/** /write: the receiver of remote write, only with --web.enable-remote-write-receiver. */
import { type Appendable, describeError, UserError } from "@pharos/model";
import { receiveWrite, unpackRequest, type WriteVersion, writeVersion } from "@pharos/remote";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";

/** Bytes a request may have as it is sent. */
const BODY_LIMIT = 64 * 2 ** 20;
/** Samples further ahead are refused. */
const AHEAD_MS = 10 * 60_000;
const TYPE = "application/x-protobuf";

export interface RemoteWriteContext extends Pick<ApiContext, "remoteWrite" | "registry"> {
  storage: Appendable;
  /** Type and unit of 2.0's metadata become labels. */
  typeAndUnitLabels: boolean;
  now(): number;
}

export function mountRemoteWrite(app: FastifyInstance, context: RemoteWriteContext): void {
  const invalid = context.registry.counter(
    "prometheus_api_remote_write_invalid_labels_samples_total",
    "The total number of received remote write samples and histogram samples which were rejected due to invalid labels.",
  );
  const bare = context.registry.counter(
    "prometheus_api_remote_write_without_metadata_appended_samples_total",
    "The total number of received remote write samples (and histogram samples) which were ingested without corresponding metadata.",
  );
  app.addContentTypeParser(TYPE, { parseAs: "buffer", bodyLimit: BODY_LIMIT }, (_request, body, done) =>
    done(null, body),
  );
  app.post("/api/v1/write", { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const text = (code: number, message: string) =>
      reply.code(code).type("text/plain; charset=utf-8").send(`${message}\n`);
    if (!context.remoteWrite.enabled) {
      return text(404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver");
    }
    const contentType = request.headers["content-type"] ?? "";
    const version = writeVersion(contentType);
    if (!version) return text(415, `expected ${TYPE} as the first (media) part, got ${contentType} content-type`);
    if (!context.remoteWrite.versions.includes(version)) {
      return text(
        415,
        `${contentType} protobuf message is not accepted by this server; only accepts ${accepted(context)}`,
      );
    }
    const encoding = request.headers["content-encoding"] ?? "snappy";
    if (encoding !== "snappy")
      return text(415, `${encoding} encoding (compression) is not accepted by this server; only snappy is acceptable`);
    try {
      const outcome = receiveWrite(context.storage, unpackRequest(request.body as Buffer), version, {
        maxTime: context.now() + AHEAD_MS,
        typeAndUnitLabels: context.typeAndUnitLabels,
      });
      invalid.inc(outcome.invalidLabels);
      bare.inc(outcome.bare);
      if (version === 2) {
        reply.header("x-prometheus-remote-write-samples-written", outcome.samples);
        reply.header("x-prometheus-remote-write-histograms-written", outcome.histograms);
        reply.header("x-prometheus-remote-write-exemplars-written", outcome.exemplars);
      }
      if (outcome.refused === 0) return reply.code(204).send();
      const more = outcome.refused - outcome.refusals.length;
      return text(400, outcome.refusals.join("\n") + (more > 0 ? `\nand ${more} more` : ""));
    } catch (error) {
      // A request that cannot be read will not be better the next time; one that cannot be stored may.
      const readable = error instanceof UserError && (error.code === "tsdb.wal" || error.code === "tsdb.open");
      return text(error instanceof UserError && !readable ? 400 : 500, describeError(error));
    }
  });
}

const MESSAGES: Readonly<Record<WriteVersion, string>> = {
  1: "prometheus.WriteRequest",
  2: "io.prometheus.write.v2.Request",
};

function accepted({ remoteWrite }: Pick<ApiContext, "remoteWrite">): string {
  return remoteWrite.versions.map((version) => MESSAGES[version]).join(", ");
}
