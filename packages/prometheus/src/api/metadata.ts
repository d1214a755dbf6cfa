/** /metadata and /targets/metadata: what targets say about their metric families. */
import { requestParams } from "@pharos/kit";
import { describeError, type Matcher, type MetricMetadata, matchesAll } from "@pharos/model";
import { parseMetricSelector } from "@pharos/promql";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";
import { sendData, sendError } from "./envelope.ts";
import { countParam, invalid } from "./params.ts";

function readSelector(text: string | null): Matcher[] {
  if (!text) return [];
  try {
    return parseMetricSelector(text);
  } catch (error) {
    throw invalid("match_target", describeError(error));
  }
}

/** The different things said of each family, in the order of their names. */
function families(context: Pick<ApiContext, "scrape">, params: URLSearchParams): Record<string, MetricMetadata[]> {
  const limit = countParam(params, "limit");
  const perMetric = countParam(params, "limit_per_metric");
  const wanted = params.get("metric") ?? "";
  const found = new Map<string, Map<string, MetricMetadata>>();
  for (const { metric, metadata } of context.scrape.metadata()) {
    if (wanted !== "" && metric !== wanted) continue;
    let said = found.get(metric);
    if (!said) found.set(metric, (said = new Map()));
    if (perMetric > 0 && said.size >= perMetric) continue;
    said.set(`${metadata.type}\0${metadata.unit}\0${metadata.help}`, metadata);
  }
  const names = [...found.keys()].sort();
  const shown = limit >= 0 ? names.slice(0, limit) : names;
  return Object.fromEntries(shown.map((name) => [name, [...found.get(name)!.values()]]));
}

export function mountMetadataApi(app: FastifyInstance, context: Pick<ApiContext, "scrape">): void {
  app.get("/api/v1/metadata", async (request, reply) => {
    try {
      return sendData(reply, families(context, requestParams(request)));
    } catch (error) {
      return sendError(reply, error);
    }
  });

  app.get("/api/v1/targets/metadata", async (request, reply) => {
    try {
      const params = requestParams(request);
      const limit = countParam(params, "limit");
      const matchers = readSelector(params.get("match_target"));
      const wanted = params.get("metric") ?? "";
      const data = [];
      for (const { target, metric, metadata } of context.scrape.metadata()) {
        if (limit >= 0 && data.length >= limit) break;
        if ((wanted && metric !== wanted) || !matchesAll(matchers, target)) continue;
        data.push({ target, ...(wanted ? {} : { metric }), ...metadata });
      }
      return sendData(reply, data);
    } catch (error) {
      return sendError(reply, error);
    }
  });
}
