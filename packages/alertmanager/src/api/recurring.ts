/** /api/v1/pharos/recurring-silences: series of silences, where they are switched on. */
import { describeError } from "@pharos/model";
import type { FastifyInstance, FastifyReply } from "fastify";
import { formatRecurrence, makeRecurrence, parseRecurrence, type Recurrence } from "../recurring/recurrence.ts";
import type { RecurringSilences, Series } from "../recurring/recurring-silences.ts";
import { SchemaError } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { badRequest } from "./filter.ts";
import { readMatchers, shownMatchers, textField } from "./silences.ts";

const BASE = "/api/v1/pharos/recurring-silences";
const MAX_DAYS = 7;

function shown({ id, rule, matcherSets, createdBy, comment, state, silences, windows }: Series) {
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    id,
    status: { state },
    recurrence: formatRecurrence(rule),
    matchers: shownMatchers(matcherSets[0] ?? []),
    createdBy,
    comment,
    silences: silences.map((silence) => silence.id),
    windows: windows.map(({ startsAt, endsAt, skipped }) => ({
      startsAt: time(startsAt),
      endsAt: time(endsAt),
      skipped,
    })),
  };
}

function optionalText(body: Record<string, unknown>, field: string): string | undefined {
  const value = body[field];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw badRequest(`recurrence.${field} in body must be of type string`);
  return value;
}

function readParts(input: unknown): Recurrence {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    throw new SchemaError(602, "recurrence in body is required");
  const body = input as Record<string, unknown>;
  const { days } = body;
  if (!Array.isArray(days) || days.length > MAX_DAYS || days.some((day) => typeof day !== "string"))
    throw badRequest("recurrence.days in body must be a list of days of the week");
  return makeRecurrence({
    days: days as string[],
    from: textField(body, "from"),
    to: textField(body, "to"),
    timeZone: optionalText(body, "timeZone") ?? "UTC",
    since: optionalText(body, "since"),
    until: optionalText(body, "until"),
  });
}

/** The rule as text, or its parts. */
function readRecurrence(input: unknown): Recurrence {
  try {
    return typeof input === "string" ? parseRecurrence(input) : readParts(input);
  } catch (error) {
    throw error instanceof SchemaError ? error : badRequest(describeError(error));
  }
}

export function mountRecurring(app: FastifyInstance, { recurring }: ApiContext): void {
  const notFound = (reply: FastifyReply) =>
    reply.code(404).type("application/json").send(JSON.stringify("there is no such recurring silence"));
  const enabled = (): RecurringSilences => {
    if (!recurring) throw badRequest("recurring silences are not switched on: start with --silences.recurring");
    return recurring;
  };

  app.get(BASE, async () => ({ enabled: recurring !== undefined, series: recurring?.list().map(shown) ?? [] }));

  app.get<{ Params: { id: string } }>(`${BASE}/:id`, async (request, reply) => {
    const series = enabled().get(request.params.id);
    return series ? shown(series) : notFound(reply);
  });

  app.post(BASE, async (request, reply) => {
    const known = enabled();
    if (typeof request.body !== "object" || request.body === null || Array.isArray(request.body))
      throw badRequest("the body must be an object");
    const body = request.body as Record<string, unknown>;
    const input = {
      matcherSets: [readMatchers(body)],
      createdBy: textField(body, "createdBy"),
      comment: textField(body, "comment"),
    };
    const rule = readRecurrence(body.recurrence);
    const replaced = typeof body.id === "string" && body.id !== "" ? body.id : undefined;
    if (replaced !== undefined && !known.get(replaced)) return notFound(reply);
    let id: string;
    try {
      id = known.add(input, rule);
    } catch (error) {
      throw badRequest(describeError(error));
    }
    // The new one holds before the old one ends.
    if (replaced !== undefined) known.end(replaced);
    return { id };
  });

  app.post<{ Params: { id: string } }>(`${BASE}/:id/skip`, async (request, reply) => {
    const silence = enabled().skip(request.params.id);
    return silence ? { silenceID: silence.id } : notFound(reply);
  });

  app.delete<{ Params: { id: string } }>(`${BASE}/:id`, async (request, reply) =>
    enabled().end(request.params.id) ? reply.code(200).send() : notFound(reply),
  );
}
