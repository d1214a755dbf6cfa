/** /targets, /targets/metadata, /scrape_pools, /alertmanagers. */
import { requestParams } from "@pharos/kit";
import { matchesAll } from "@pharos/model";
import { parseMetricSelector } from "@pharos/promql";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiError, sendData, sendError } from "./envelope.ts";
import { limitParam } from "./params.ts";
import { isoTime } from "./rules.ts";

export function mountTargetsApi(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v1/targets", async (request, reply) => {
    const params = requestParams(request);
    const state = (params.get("state") ?? "any").toLowerCase();
    const pool = params.get("scrapePool") ?? "";
    const { active, dropped, droppedCounts } = context.scrape.targets();
    const inPool = ({ scrapePool }: { scrapePool: string }): boolean => pool === "" || scrapePool === pool;
    const showActive = state === "any" || state === "" || state === "active";
    const showDropped = state === "any" || state === "" || state === "dropped";
    const activeTargets = active.filter(inPool).map((target) => ({
      discoveredLabels: target.discoveredLabels,
      labels: target.labels,
      scrapePool: target.scrapePool,
      scrapeUrl: target.scrapeUrl,
      globalUrl: target.globalUrl,
      lastError: target.lastError,
      lastScrape: isoTime(target.lastScrape),
      lastScrapeDuration: target.lastScrapeDuration,
      health: target.health,
      scrapeInterval: target.scrapeInterval,
      scrapeTimeout: target.scrapeTimeout,
    }));
    return sendData(reply, {
      activeTargets: showActive ? activeTargets : [],
      droppedTargets: showDropped
        ? dropped.filter(inPool).map(({ discoveredLabels, scrapePool }) => ({ discoveredLabels, scrapePool }))
        : [],
      droppedTargetCounts: showDropped ? droppedCounts : null,
    });
  });

  app.get("/api/v1/scrape_pools", async (_request, reply) => sendData(reply, { scrapePools: context.scrape.pools() }));

  app.get("/api/v1/targets/metadata", async (request, reply) => {
    try {
      const params = requestParams(request);
      const limit = limitParam(params);
      const wanted = params.get("metric") ?? "";
      const selector = params.get("match_target");
      const matchers = selector ? parseMetricSelector(selector) : [];
      const data = [];
      for (const { target, metric, metadata } of context.scrape.metadata()) {
        if (limit > 0 && data.length >= limit) break;
        if ((wanted && metric !== wanted) || !matchesAll(matchers, target)) continue;
        data.push({ target, ...(wanted ? {} : { metric }), ...metadata });
      }
      if (data.length === 0) throw new ApiError("not_found", "specified metadata not found");
      return sendData(reply, data);
    } catch (error) {
      return sendError(reply, error);
    }
  });

  app.get("/api/v1/alertmanagers", async (_request, reply) => {
    const { active, dropped } = context.notifier.alertmanagers();
    const urls = (list: readonly string[]) => list.map((url) => ({ url }));
    return sendData(reply, { activeAlertmanagers: urls(active), droppedAlertmanagers: urls(dropped) });
  });
}
