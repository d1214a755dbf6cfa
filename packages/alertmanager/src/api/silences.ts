/** /api/v2/silences and /api/v2/silence. */
import { requestParams } from "@pharos/kit";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { AlertMatcher } from "../matcher/matcher.ts";
import { type Silence, type SilenceInput, type SilenceMatcher, silenceState } from "../silences.ts";
import { SchemaError } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { badRequest, booleanParam, parseFilter } from "./filter.ts";

export function shownMatchers(set: readonly SilenceMatcher[]) {
  return set.map(({ name, value, isRegex, isEqual }) => ({ isEqual, isRegex, name, value }));
}

function shown(silence: Silence, now: number) {
  const { id, updatedAt, comment, createdBy, endsAt, matcherSets, startsAt, annotations } = silence;
  return {
    id,
    status: { state: silenceState(silence, now) },
    updatedAt: new Date(updatedAt).toISOString(),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    comment,
    createdBy,
    endsAt: new Date(endsAt).toISOString(),
    matchers: shownMatchers(matcherSets[0] ?? []),
    startsAt: new Date(startsAt).toISOString(),
  };
}

const ORDER = { active: 0, pending: 1, expired: 2 } as const;

/** Active ones that end next, pending ones that start next, expired ones that ended last. */
function compare(a: Silence, b: Silence, now: number): number {
  const state = silenceState(a, now);
  const order = ORDER[state] - ORDER[silenceState(b, now)];
  if (order !== 0) return order;
  if (state === "active") return a.endsAt - b.endsAt;
  return state === "pending" ? a.startsAt - b.startsAt : b.endsAt - a.endsAt;
}

/** A filter asks for silences that contain its matchers; it does not apply them. */
function contains(set: readonly SilenceMatcher[], filter: readonly AlertMatcher[]): boolean {
  return filter.every(({ type, name, value }) =>
    set.some((own) => {
      const ownType = own.isRegex ? (own.isEqual ? "=~" : "!~") : own.isEqual ? "=" : "!=";
      return own.name === name && own.value === value && ownType === type;
    }),
  );
}

function required(body: Record<string, unknown>, field: string, type: "string" | "boolean" = "string"): unknown {
  const value = body[field];
  if (value === undefined || value === null) throw new SchemaError(602, `${field} in body is required`);
  if (typeof value !== type)
    throw badRequest(`${field} in body must be of type ${type}: ${JSON.stringify(typeof value)}`);
  return value;
}

export function textField(body: Record<string, unknown>, field: string): string {
  return required(body, field) as string;
}

function moment(body: Record<string, unknown>, field: string): number {
  const text = required(body, field) as string;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw badRequest(`${field} in body must be of type date-time: ${JSON.stringify(text)}`);
  return ms;
}

function readMatcher(input: unknown): SilenceMatcher {
  const body = (input ?? {}) as Record<string, unknown>;
  return {
    name: required(body, "name") as string,
    value: required(body, "value") as string,
    isRegex: required(body, "isRegex", "boolean") as boolean,
    isEqual: body.isEqual !== false,
  };
}

export function readMatchers({ matchers }: Record<string, unknown>): SilenceMatcher[] {
  if (!Array.isArray(matchers)) throw new SchemaError(602, "matchers in body is required");
  if (matchers.length === 0) throw new SchemaError(612, "matchers in body should have at least 1 items");
  return matchers.map(readMatcher);
}

function readSilence(input: unknown): SilenceInput & { startsAt: number; endsAt: number } {
  if (Array.isArray(input)) throw badRequest("the body must be an object");
  const body = (input ?? {}) as Record<string, unknown>;
  const comment = required(body, "comment") as string;
  const createdBy = required(body, "createdBy") as string;
  const endsAt = moment(body, "endsAt");
  const matchers = readMatchers(body);
  const startsAt = moment(body, "startsAt");
  const annotations = (body.annotations ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(annotations)) {
    if (typeof value !== "string") throw badRequest(`annotations.${name} in body must be of type string`);
  }
  return {
    id: typeof body.id === "string" ? body.id : "",
    matcherSets: [matchers],
    startsAt,
    endsAt,
    createdBy,
    comment,
    annotations: annotations as Record<string, string>,
  };
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

function refuseId(reply: FastifyReply, id: string) {
  return reply.code(422).send({ code: 601, message: `silenceID in path must be of type uuid: ${JSON.stringify(id)}` });
}

export function mountSilences(app: FastifyInstance, context: ApiContext): void {
  const { silences } = context;

  app.get("/api/v2/silences", async (request) => {
    const params = requestParams(request);
    const filter = parseFilter(params, "filter", context.syntax);
    const wanted = {
      active: booleanParam(params, "active"),
      pending: booleanParam(params, "pending"),
      expired: booleanParam(params, "expired"),
    };
    const now = context.now();
    return silences
      .all()
      .filter((silence) => wanted[silenceState(silence, now)])
      .filter(({ matcherSets }) => matcherSets.some((set) => contains(set, filter)))
      .sort((a, b) => compare(a, b, now))
      .map((silence) => shown(silence, now));
  });

  app.post("/api/v2/silences", async (request, reply) => {
    const input = readSilence(request.body);
    if (input.startsAt >= input.endsAt)
      throw badRequest("Failed to create silence: start time must be before end time");
    if (input.endsAt < context.now()) throw badRequest("Failed to create silence: end time can't be in the past");
    const silenceID = silences.set(input);
    if (silenceID === undefined)
      return reply.code(404).type("application/json").send(JSON.stringify("silence not found"));
    return { silenceID };
  });

  app.get<{ Params: { id: string } }>("/api/v2/silence/:id", async (request, reply) => {
    const { id } = request.params;
    if (!UUID.test(id)) return refuseId(reply, id);
    const silence = silences.get(id);
    return silence ? shown(silence, context.now()) : reply.code(404).send();
  });

  app.delete<{ Params: { id: string } }>("/api/v2/silence/:id", async (request, reply) => {
    const { id } = request.params;
    if (!UUID.test(id)) return refuseId(reply, id);
    return reply.code(silences.expire(id) ? 200 : 404).send();
  });
}
