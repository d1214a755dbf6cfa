/** /api/v1/pharos/history: what happened and why, newest first. */
import { requestParams } from "@pharos/kit";
import { Labels, parseDuration } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import type { HistoryEvent, HistoryQuery } from "../history.ts";
import type { ApiContext } from "./context.ts";
import { badRequest, parseFilter, passesFilter } from "./filter.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;
const KINDS: ReadonlySet<string> = new Set(["alert", "notification", "silence", "config"]);

/** A date-time, Unix seconds, or a duration back from now (`2h`). */
function moment(text: string | null, name: string, now: number): number | undefined {
  if (text === null || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  try {
    return now - parseDuration(text);
  } catch {
    throw badRequest(`${name} must be a date-time, Unix seconds or a duration back from now: ${JSON.stringify(text)}`);
  }
}

export function mountHistory(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v1/pharos/history", async (request, reply) => {
    const params = requestParams(request);
    const now = context.now();
    const limit = Number(params.get("limit") ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      throw badRequest(`limit must be a whole number from 1 to ${MAX_LIMIT}`);
    const kind = params.get("kind");
    if (kind && !KINDS.has(kind)) throw badRequest(`kind must be one of ${[...KINDS].join(", ")}`);
    const filter = parseFilter(params, "filter", context.syntax);
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const query: HistoryQuery = {
      from: moment(params.get("from"), "from", now),
      to: moment(params.get("to"), "to", now),
      kind: (kind as HistoryEvent["kind"] | null) ?? undefined,
      outcome: params.get("outcome") ?? undefined,
      receiver: params.get("receiver") ?? undefined,
      fingerprint: params.get("fingerprint") ?? undefined,
      groupKey: params.get("groupKey") ?? undefined,
      labels: filter.length > 0 ? (labels) => passesFilter(filter, Labels.from(labels)) : undefined,
      limit,
    };
    try {
      return { events: await context.history.query(query, gone.signal) };
    } catch (error) {
      // Nobody waits for it any more.
      if (gone.signal.aborted) return reply.hijack();
      throw error;
    }
  });
}
