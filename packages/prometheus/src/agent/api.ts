/** What an agent says about itself, and that it cannot answer the rest. */
import { hostname } from "node:os";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../api/context.ts";
import { ApiError, sendData, sendError } from "../api/envelope.ts";
import { buildInfo } from "../build-info.ts";

/** Endpoints that need a storage to query, rules or Alertmanagers. */
const UNAVAILABLE = [
  "query",
  "query_range",
  "query_exemplars",
  "format_query",
  "parse_query",
  "labels",
  "label/:name/values",
  "series",
  "alertmanagers",
  "status/tsdb",
  "read",
  "alerts",
  "rules",
  "admin/tsdb/delete_series",
  "admin/tsdb/clean_tombstones",
  "admin/tsdb/snapshot",
] as const;

export function mountAgentStatus(
  app: FastifyInstance,
  context: Pick<ApiContext, "version" | "flags" | "configText" | "reloadStatus">,
): void {
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
      corruptionCount: 0,
      goroutineCount: 0,
      GOMAXPROCS: 1,
      GOMEMLIMIT: 0,
      GOGC: "",
      GODEBUG: "",
      storageRetention: "",
    });
  });
  // The log has been read before it listens.
  app.get("/api/v1/status/walreplay", async (_request, reply) => sendData(reply, { min: 0, max: 0, current: 0 }));
  for (const path of UNAVAILABLE) {
    app.route({
      method: ["GET", "POST", "PUT"],
      url: `/api/v1/${path}`,
      handler: async (_request, reply) =>
        sendError(reply, new ApiError("execution", "unavailable with Prometheus Agent")),
    });
  }
}
