/** /query, /query_range, /query_exemplars, /format_query, /parse_query; which queries are running, and an end to them. */
import { requestParams } from "@pharos/kit";
import { exprToJson, parseExpr, prettify, QueryError, type QueryResult, selectorsOf } from "@pharos/promql";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiError, closing, sendData, sendError, sendPieces } from "./envelope.ts";
import { JsonBytes } from "./json-bytes.ts";
import { durationParam, limitParam, lookbackParam, requiredTime, timeParam } from "./params.ts";
import { writeResult } from "./result-json.ts";
import { statsJson } from "./stats-json.ts";

const MAX_POINTS_PER_SERIES = 11_000;
/** Upstream shows at most this many annotations of each kind. */
const MAX_NOTES = 10;

function capNotes(notes: readonly string[], kind: string): string[] {
  if (notes.length <= MAX_NOTES) return [...notes];
  return [...notes.slice(0, MAX_NOTES), `${notes.length - MAX_NOTES} more ${kind} annotations omitted`];
}

/** Aborts when the client went away. */
function abortOf(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.on("close", () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  request.raw.on("aborted", () => controller.abort());
  return controller.signal;
}

function answer(
  context: ApiContext,
  reply: FastifyReply,
  result: QueryResult,
  params: URLSearchParams,
  limit: number,
): FastifyReply {
  const { value } = result;
  const warnings = capNotes(result.warnings, "warning");
  if (!context.db.ready) {
    const { done, total } = context.db.replayProgress;
    warnings.push(
      `the write-ahead log is still being read (${Math.floor((100 * done) / Math.max(total, 1))} %): the newest hours are not complete`,
    );
  }
  if (limit > 0 && value.type === "vector" && value.samples.length > limit) {
    value.samples.length = limit;
    warnings.push("results truncated due to limit");
  }
  if (limit > 0 && value.type === "matrix" && value.series.length > limit) {
    value.series.length = limit;
    warnings.push("results truncated due to limit");
  }
  const wanted = params.get("stats") ?? "";
  if (wanted !== "" && wanted !== "true" && wanted !== "all") {
    warnings.push(
      `value ${JSON.stringify(wanted)} for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"`,
    );
  }
  const stats = wanted === "" ? "" : `,"stats":${statsJson(result.stats, wanted === "all")}`;
  const plan = result.plan ? `,"plan":${JSON.stringify(result.plan)}` : "";
  return sendPieces(
    reply,
    answerPieces(value, `${stats}${plan}}${closing({ warnings, infos: capNotes(result.infos, "info") })}`),
  );
}

/** The answer as bytes; `rest` is what follows the result. */
function* answerPieces(value: QueryResult["value"], rest: string): Generator<Buffer> {
  const out = new JsonBytes();
  out.raw('{"status":"success","data":{');
  yield* writeResult(out, value);
  out.json(rest);
  yield* out.finish();
}

/** An expression that is no good is the parameter's fault, whether the parser or the engine says so. */
function wrapQueryError(error: unknown): unknown {
  const isBad = error instanceof QueryError ? error.kind === "bad_data" : isParseError(error);
  return isBad ? new ApiError("bad_data", `invalid parameter "query": ${(error as Error).message}`) : error;
}

function isParseError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "promql.parse";
}

export function mountQueryApi(app: FastifyInstance, context: ApiContext): void {
  const both = (
    path: string,
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
    wrap: (error: unknown) => unknown = wrapQueryError,
  ): void => {
    for (const method of ["GET", "POST"] as const) {
      app.route({
        method,
        url: path,
        handler: async (request, reply) => {
          try {
            return await handler(request, reply);
          } catch (error) {
            return sendError(reply, wrap(error));
          }
        },
      });
    }
  };

  both("/api/v1/query", async (request, reply) => {
    const params = requestParams(request);
    const limit = limitParam(params);
    const time = timeParam(params, "time", context.now());
    const options = {
      timeoutMs: durationParam(params, "timeout"),
      lookbackMs: lookbackParam(params),
      explain: params.get("explain") === "1",
    };
    const signal = abortOf(request, reply);
    const result = await context.engine.instant(context.storage, params.get("query") ?? "", time, options, signal);
    return answer(context, reply, result, params, limit);
  });

  both("/api/v1/query_range", async (request, reply) => {
    const params = requestParams(request);
    const limit = limitParam(params);
    const start = requiredTime(params, "start");
    const end = requiredTime(params, "end");
    if (end < start) {
      throw new ApiError("bad_data", 'invalid parameter "end": end timestamp must not be before start time');
    }
    const step = durationParam(params, "step");
    if (step === undefined) {
      throw new ApiError("bad_data", 'invalid parameter "step": cannot parse "" to a valid duration');
    }
    if (step <= 0) {
      throw new ApiError(
        "bad_data",
        'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
      );
    }
    if ((end - start) / step > MAX_POINTS_PER_SERIES) {
      throw new ApiError(
        "bad_data",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
      );
    }
    const options = {
      timeoutMs: durationParam(params, "timeout"),
      lookbackMs: lookbackParam(params),
      explain: params.get("explain") === "1",
    };
    const signal = abortOf(request, reply);
    const query = params.get("query") ?? "";
    const result = await context.engine.range(context.storage, query, start, end, step, options, signal);
    return answer(context, reply, result, params, limit);
  });

  app.get("/api/v1/pharos/queries", async (_request, reply) =>
    sendData(reply, { queries: context.engine.running(), heldBytes: context.engine.heldBytes }),
  );
  app.delete<{ Params: { id: string } }>("/api/v1/pharos/queries/:id", async (request, reply) => {
    if (!context.enableAdminApi) return sendError(reply, new ApiError("unavailable", "admin APIs disabled"));
    if (context.engine.cancel(Number(request.params.id))) return reply.code(204).send();
    return sendError(reply, new ApiError("not_found", `no query ${request.params.id} is running`));
  });

  const exemplars = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const params = requestParams(request);
    const start = timeParam(params, "start", context.now() - 3600_000);
    const end = timeParam(params, "end", context.now());
    if (end < start) throw new ApiError("bad_data", "end timestamp must not be before start timestamp");
    const selectors = selectorsOf(parseExpr(params.get("query") ?? ""));
    if (selectors.length === 0) return reply.code(204).send();
    const found = context.db.exemplars(selectors, start, end).sort((a, b) => a.labels.compare(b.labels));
    return sendData(
      reply,
      found.map(({ labels, exemplars }) => ({
        seriesLabels: labels,
        exemplars: exemplars.map((exemplar) => ({
          labels: exemplar.labels,
          value: String(exemplar.value),
          timestamp: (exemplar.timestamp ?? 0) / 1000,
        })),
      })),
    );
  };
  // As upstream, which does not name the parameter here.
  both("/api/v1/query_exemplars", exemplars, (error) => error);

  both("/api/v1/format_query", async (request, reply) =>
    sendData(reply, prettify(parseExpr(requestParams(request).get("query") ?? ""))),
  );

  both("/api/v1/parse_query", async (request, reply) =>
    sendData(reply, exprToJson(parseExpr(requestParams(request).get("query") ?? ""))),
  );
}
