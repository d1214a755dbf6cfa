/** /targets, /targets/relabel_steps, /scrape_pools, /scrape_pools/config, /alertmanagers. */
import { requestParams } from "@pharos/kit";
import { describeError, LabelsBuilder } from "@pharos/model";
import { type RelabelConfig, relabelBuilder } from "@pharos/relabel";
import type { ScrapeConfig } from "@pharos/scrape";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { TargetsContext } from "./context.ts";
import { ApiError, sendData, sendError } from "./envelope.ts";
import { isoTime } from "./rules.ts";

const LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/** The URL as other machines reach it: the own address for this server's, the own host for other ports of this machine. */
function globalUrl(url: string, externalUrl: string, listenPort: number): string {
  if (!URL.canParse(url) || !URL.canParse(externalUrl)) return url;
  const target = new URL(url);
  if (!LOCAL_HOSTS.includes(target.hostname)) return url;
  const external = new URL(externalUrl);
  const rest = url.slice(url.indexOf(target.host) + target.host.length);
  if (target.port === String(listenPort)) return `${external.protocol}//${external.host}${rest}`;
  const port = target.port === "" ? "" : `:${target.port}`;
  return `${target.protocol}//${external.hostname}${port}${rest}`;
}

/** A rule as upstream's JSON has it. */
function relabelJson(rule: RelabelConfig) {
  return {
    ...(rule.sourceLabels.length > 0 ? { source_labels: rule.sourceLabels } : {}),
    separator: rule.separator,
    regex: rule.regex.source,
    ...(rule.modulus === 0 ? {} : { modulus: rule.modulus }),
    ...(rule.targetLabel === "" ? {} : { target_label: rule.targetLabel }),
    replacement: rule.replacement,
    action: rule.action,
  };
}

function readLabels(text: string): [string, string][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ApiError("bad_data", `error parsing labels: ${describeError(error)}`);
  }
  const entries = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const bad =
    Object.keys(value ?? {}).length !== entries.length || entries.some(([, text]) => typeof text !== "string");
  if (bad) throw new ApiError("bad_data", "error parsing labels: they must be an object of texts");
  return entries;
}

/** What each rule makes of the labels, until one drops them. */
function relabelSteps(rules: readonly RelabelConfig[], labels: readonly [string, string][]) {
  const builder = new LabelsBuilder(labels);
  let keep = true;
  return rules.map((rule) => {
    keep = keep && relabelBuilder(builder, [rule]);
    return { rule: relabelJson(rule), output: keep ? builder.build() : {}, keep };
  });
}

export function mountTargetsApi(app: FastifyInstance, context: TargetsContext): void {
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
      globalUrl: globalUrl(target.scrapeUrl, context.externalUrl(), context.listenPort),
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

  /** The pool a request is about. */
  const poolOf = (params: URLSearchParams): { pool: string; config: ScrapeConfig } => {
    const pool = params.get("scrapePool") ?? "";
    if (pool === "") throw new ApiError("bad_data", "no scrapePool parameter provided");
    const config = context.scrape.config(pool);
    if (!config) {
      const reason = `scrape pool ${JSON.stringify(pool)} not found`;
      throw new ApiError("bad_data", `error retrieving scrape config: ${reason}`);
    }
    return { pool, config };
  };
  const about = (path: string, answer: (params: URLSearchParams, reply: FastifyReply) => FastifyReply): void => {
    app.get(path, async (request, reply) => {
      try {
        return answer(requestParams(request), reply);
      } catch (error) {
        return sendError(reply, error);
      }
    });
  };

  about("/api/v1/scrape_pools/config", (params, reply) =>
    sendData(reply, { yaml: context.poolConfigText(poolOf(params).pool) }),
  );

  about("/api/v1/targets/relabel_steps", (params, reply) => {
    if ((params.get("scrapePool") ?? "") === "") throw new ApiError("bad_data", "no scrapePool parameter provided");
    const text = params.get("labels") ?? "";
    if (text === "") throw new ApiError("bad_data", "no labels parameter provided");
    const labels = readLabels(text);
    return sendData(reply, { steps: relabelSteps(poolOf(params).config.relabelConfigs, labels) });
  });

  const { notifier } = context;
  if (!notifier) return;
  app.get("/api/v1/alertmanagers", async (_request, reply) => {
    const { active, dropped } = notifier.alertmanagers();
    const urls = (list: readonly string[]) => list.map((url) => ({ url }));
    return sendData(reply, { activeAlertmanagers: urls(active), droppedAlertmanagers: urls(dropped) });
  });
}
