/** /status/*: config, flags, runtimeinfo, buildinfo, walreplay, tsdb. */
import { hostname } from "node:os";
import { requestParams } from "@pharos/kit";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";
import { sendData, sendError } from "./envelope.ts";
import { limitParam } from "./params.ts";

const MAX_STATISTICS = 10_000;

export function mountStatusApi(app: FastifyInstance, context: ApiContext): void {
  const started = new Date(Date.now() - process.uptime() * 1000).toISOString();

  app.get("/api/v1/status/config", async (_request, reply) => sendData(reply, { yaml: context.configText() }));
  app.get("/api/v1/status/flags", async (_request, reply) => sendData(reply, context.flags));

  app.get("/api/v1/status/buildinfo", async (_request, reply) =>
    sendData(reply, {
      version: context.version,
      revision: "",
      branch: "",
      buildUser: "",
      buildDate: "",
      // Grafana and others read the field; the value says truly what runs here.
      goVersion: `node ${process.version}`,
    }),
  );

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
      storageRetention: context.retentionText(),
    });
  });

  app.get("/api/v1/status/walreplay", async (_request, reply) => sendData(reply, context.replay()));

  app.get("/api/v1/status/tsdb", async (request, reply) => {
    try {
      const limit = limitParam(requestParams(request)) || 10;
      return sendData(reply, context.db.status(Math.min(limit, MAX_STATISTICS)));
    } catch (error) {
      return sendError(reply, error);
    }
  });
  app.get("/api/v1/status/tsdb/blocks", async (_request, reply) => sendData(reply, { blocks: context.db.blocks() }));
}
