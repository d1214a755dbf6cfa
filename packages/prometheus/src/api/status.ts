/** /status/*: config, flags, runtimeinfo, buildinfo, walreplay, tsdb, self_metrics. */
import { hostname } from "node:os";
import type { MetricFamily } from "@pharos/exposition";
import { requestParams } from "@pharos/kit";
import { AnchoredRegexp, describeError, METRIC_NAME } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { buildInfo } from "../build-info.ts";
import type { ApiContext } from "./context.ts";
import { ApiError, sendData, sendError } from "./envelope.ts";
import { matchParam, parseInteger } from "./params.ts";

const DEFAULT_STATISTICS = 10;
const MAX_STATISTICS = 10_000;

function statisticsLimit(params: URLSearchParams): number {
  const text = params.get("limit") ?? "";
  if (text === "") return DEFAULT_STATISTICS;
  const limit = parseInteger(text);
  if (limit === undefined || limit < 1) throw new ApiError("bad_data", "limit must be a positive number");
  if (limit > MAX_STATISTICS) throw new ApiError("bad_data", `limit must not exceed ${MAX_STATISTICS}`);
  return limit;
}

/** A number in protobuf's JSON: what JSON has no number for is a text. */
const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** A family as protobuf's JSON of io.prometheus.client.MetricFamily. */
function familyJson(family: MetricFamily) {
  const pairs = (run: readonly string[]) => {
    const label = [];
    for (let i = 0; i < run.length; i += 2) label.push({ name: run[i], value: run[i + 1] });
    return label;
  };
  const metric = family.metrics.map((metric) => {
    const label = pairs(metric.labels);
    if ("buckets" in metric) {
      const bucket = metric.buckets.map(({ upperBound, cumulativeCount }) => ({
        cumulativeCount: String(cumulativeCount),
        upperBound: jsonNumber(upperBound),
      }));
      return { label, histogram: { sampleCount: String(metric.count), sampleSum: jsonNumber(metric.sum), bucket } };
    }
    if ("quantiles" in metric) {
      const quantile = metric.quantiles.map(({ quantile, value }) => ({ quantile, value: jsonNumber(value) }));
      return { label, summary: { sampleCount: String(metric.count), sampleSum: jsonNumber(metric.sum), quantile } };
    }
    const kind = family.type === "counter" || family.type === "gauge" ? family.type : "untyped";
    return { label, [kind]: { value: jsonNumber("value" in metric ? metric.value : Number.NaN) } };
  });
  return { name: family.name, help: family.help, type: family.type.toUpperCase(), metric };
}

export function mountStatusApi(app: FastifyInstance, context: ApiContext): void {
  const started = new Date(Date.now() - process.uptime() * 1000).toISOString();

  app.get("/api/v1/status/config", async (_request, reply) => sendData(reply, { yaml: context.configText() }));
  app.get("/api/v1/status/flags", async (_request, reply) => sendData(reply, context.flags));
  app.get("/api/v1/status/buildinfo", async (_request, reply) => sendData(reply, buildInfo(context.version)));

  app.get("/api/v1/status/runtimeinfo", async (_request, reply) => {
    const reload = context.reloadStatus();
    return sendData(reply, {
      startTime: started,
      CWD: process.cwd(),
      hostname: hostname(),
      serverTime: new Date().toISOString(),
      reloadConfigSuccess: reload.successful,
      lastConfigTime: new Date(reload.lastSuccess).toISOString(),
      corruptionCount: context.db.corruptions.length,
      goroutineCount: 0,
      GOMAXPROCS: 1,
      GOMEMLIMIT: 0,
      GOGC: "",
      GODEBUG: "",
      storageRetention: context.retentionText(),
    });
  });

  app.get("/api/v1/status/walreplay", async (_request, reply) => {
    const { min, max, current } = context.replay();
    return sendData(reply, { min, max, current });
  });

  app.get("/api/v1/status/self_metrics", async (request, reply) => {
    const pattern = requestParams(request).get("metric_name_pattern") ?? "";
    let names: AnchoredRegexp | undefined;
    try {
      if (pattern !== "") names = new AnchoredRegexp(pattern);
    } catch (error) {
      return sendError(reply, new ApiError("bad_data", `invalid metric_name_pattern: ${describeError(error)}`));
    }
    const families = context.registry.families().filter(({ name }) => names === undefined || names.test(name));
    return sendData(reply, families.map(familyJson));
  });

  app.get("/api/v1/status/tsdb", async (request, reply) => {
    try {
      const status = context.db.status(statisticsLimit(requestParams(request)));
      // Upstream's part of it: clients may be strict.
      const { headStats, seriesCountByMetricName, labelValueCountByLabelName } = status;
      const { memoryInBytesByLabelName, seriesCountByLabelValuePair } = status;
      return sendData(reply, {
        headStats,
        seriesCountByMetricName,
        labelValueCountByLabelName,
        memoryInBytesByLabelName,
        seriesCountByLabelValuePair,
      });
    } catch (error) {
      return sendError(reply, error);
    }
  });
  // Pharos' own: what the head takes and who brought its series; how many series each value of a label has.
  app.get("/api/v1/pharos/memory", async (_request, reply) => sendData(reply, context.db.status(1).memory));
  app.get("/api/v1/pharos/cardinality", async (request, reply) => {
    try {
      const params = requestParams(request);
      const selectors = matchParam(params, "named");
      const label = params.get("label") || METRIC_NAME;
      return sendData(reply, context.db.cardinality(label, statisticsLimit(params), selectors[0]));
    } catch (error) {
      return sendError(reply, error);
    }
  });

  app.get("/api/v1/status/tsdb/blocks", async (_request, reply) => sendData(reply, { blocks: context.db.blocks() }));
}
