/** /series, /labels, /label/:name/values. */
import { requestParams } from "@pharos/kit";
import { compareStrings, type Labels, type Matcher } from "@pharos/model";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiError, closing, sendData, sendError, sendPieces } from "./envelope.ts";
import { limitParam, matchParam, rangeParams } from "./params.ts";
import { labelSetPieces } from "./result-json.ts";

/** `U__` names: underscores doubled, other runes as `_hex_` (upstream's values escaping). */
function unescapeName(name: string): string {
  if (!name.startsWith("U__")) return name;
  return name
    .slice(3)
    .replace(/__|_([0-9a-fA-F]{1,6})_/g, (all, hex?: string) =>
      all === "__" ? "_" : String.fromCodePoint(Number.parseInt(hex!, 16)),
    );
}

/** Cuts a list to the limit; says so. */
function cut<T>(list: T[], limit: number): { data: T[]; warnings: string[] } {
  if (limit === 0 || list.length <= limit) return { data: list, warnings: [] };
  return { data: list.slice(0, limit), warnings: ["results truncated due to limit"] };
}

export function mountSeriesApi(app: FastifyInstance, context: ApiContext): void {
  const guard =
    (handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        return await handler(request, reply);
      } catch (error) {
        return sendError(reply, error);
      }
    };

  const series = guard(async (request, reply) => {
    const params = requestParams(request);
    if (!params.has("match[]")) throw new ApiError("bad_data", "no match[] parameter provided");
    const limit = limitParam(params);
    const { start, end } = rangeParams(params);
    const selectors = matchParam(params, "named");
    using querier = context.storage.querier(start, end);
    const select = async (matchers: Matcher[]): Promise<Labels[]> => {
      const hints = { start, end, func: "series", limit: limit === 0 ? 0 : limit + 1 };
      return (await querier.select(matchers, hints)).map(({ labels }) => labels);
    };
    let all: Labels[];
    if (selectors.length === 1) all = await select(selectors[0]);
    else {
      const found = new Map<string, Labels>();
      for (const matchers of selectors) for (const labels of await select(matchers)) found.set(labels.key(), labels);
      all = [...found.values()].sort((a, b) => a.compare(b));
    }
    const { data, warnings } = cut(all, limit);
    return sendPieces(reply, labelSetPieces(data, closing({ warnings })));
  });
  app.get("/api/v1/series", series);
  app.post("/api/v1/series", series);

  /** Union over the alternatives, sorted. */
  const union = async (selectors: Matcher[][], ask: (matchers: Matcher[]) => string[] | Promise<string[]>) => {
    if (selectors.length === 0) return ask([]);
    const all = new Set<string>();
    for (const matchers of selectors) for (const value of await ask(matchers)) all.add(value);
    return [...all].sort(compareStrings);
  };

  const labels = guard(async (request, reply) => {
    const params = requestParams(request);
    const limit = limitParam(params);
    const { start, end } = rangeParams(params);
    const selectors = matchParam(params);
    using querier = context.storage.querier(start, end);
    const { data, warnings } = cut(await union(selectors, (matchers) => querier.labelNames(matchers)), limit);
    return sendData(reply, data, { warnings });
  });
  app.get("/api/v1/labels", labels);
  app.post("/api/v1/labels", labels);

  app.get<{ Params: { name: string } }>(
    "/api/v1/label/:name/values",
    guard(async (request, reply) => {
      const params = requestParams(request);
      const name = unescapeName((request.params as { name: string }).name);
      if (name === "") throw new ApiError("bad_data", `invalid label name: ${JSON.stringify(name)}`);
      const limit = limitParam(params);
      const { start, end } = rangeParams(params);
      const selectors = matchParam(params);
      using querier = context.storage.querier(start, end);
      const { data, warnings } = cut(await union(selectors, (matchers) => querier.labelValues(name, matchers)), limit);
      return sendData(reply, data, { warnings });
    }),
  );
}
