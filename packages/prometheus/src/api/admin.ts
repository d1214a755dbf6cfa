/** /admin/tsdb/*: only with --web.enable-admin-api. */
import { join } from "node:path";
import { requestParams } from "@pharos/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiError, sendData, sendError } from "./envelope.ts";
import { booleanParam, MAX_TIME, MIN_TIME, matchParam, timeParam } from "./params.ts";

export function mountAdminApi(app: FastifyInstance, context: ApiContext): void {
  const route = (name: string, work: (params: URLSearchParams, reply: FastifyReply) => Promise<FastifyReply>): void => {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        if (!context.enableAdminApi) throw new ApiError("unavailable", "admin APIs disabled");
        return await work(requestParams(request), reply);
      } catch (error) {
        return sendError(reply, error);
      }
    };
    app.route({ method: ["POST", "PUT"], url: `/api/v1/admin/tsdb/${name}`, handler });
  };

  route("delete_series", async (params, reply) => {
    if (!params.has("match[]")) throw new ApiError("bad_data", "no match[] parameter provided");
    const start = timeParam(params, "start", MIN_TIME);
    const end = timeParam(params, "end", MAX_TIME);
    const selectors = matchParam(params, "named");
    if (start <= end) await context.db.deleteSeries(selectors, start, end);
    return reply.code(204).send();
  });
  route("clean_tombstones", async (_params, reply) => {
    await context.db.cleanTombstones();
    return reply.code(204).send();
  });
  route("snapshot", async (params, reply) => {
    const skipHead = booleanParam(params, "skip_head", "unable to parse boolean") ?? false;
    const path = await context.db.snapshot(join(context.storagePath, "snapshots"), !skipHead);
    return sendData(reply, { name: path.split("/").at(-1) });
  });
}
