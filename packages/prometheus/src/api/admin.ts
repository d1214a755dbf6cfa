/** /admin/tsdb/*: only with --web.enable-admin-api. */
import { join } from "node:path";
import { requestParams } from "@pharos/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiError, sendData, sendError } from "./envelope.ts";
import { matchParam, rangeParams } from "./params.ts";

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
    const selectors = matchParam(params);
    if (selectors.length === 0) throw new ApiError("bad_data", "no match[] parameter provided");
    const { start, end } = rangeParams(params);
    await context.db.deleteSeries(selectors, start, end);
    return reply.code(204).send();
  });
  route("clean_tombstones", async (_params, reply) => {
    await context.db.cleanTombstones();
    return reply.code(204).send();
  });
  route("snapshot", async (params, reply) => {
    const skipHead = params.get("skip_head") ?? "false";
    if (skipHead !== "true" && skipHead !== "false") {
      throw new ApiError(
        "bad_data",
        `invalid parameter "skip_head": unable to parse boolean ${JSON.stringify(skipHead)}`,
      );
    }
    const path = await context.db.snapshot(join(context.storagePath, "snapshots"), skipHead === "false");
    return sendData(reply, { name: path.split("/").at(-1) });
  });
}
