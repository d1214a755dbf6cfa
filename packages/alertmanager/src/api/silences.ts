/** /api/v2/silences and /api/v2/silence. */
import { requestParams } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { type Silence, type SilenceMatcher, silenceState } from "../silences.ts";
import type { ApiContext } from "./context.ts";
import { parseFilter, passesFilter } from "./filter.ts";

function shown(silence: Silence, now: number) {
  const { id, updatedAt, comment, createdBy, endsAt, matchers, startsAt, annotations } = silence;
  return {
    id,
    status: { state: silenceState(silence, now) },
    updatedAt: new Date(updatedAt).toISOString(),
    comment,
    createdBy,
    endsAt: new Date(endsAt).toISOString(),
    matchers,
    startsAt: new Date(startsAt).toISOString(),
    ...(annotations ? { annotations } : {}),
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

function readMatcher(input: unknown): SilenceMatcher {
  const { name, value, isRegex, isEqual } = (input ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || typeof value !== "string" || typeof isRegex !== "boolean")
    throw new UserError("alertmanager.api", "a matcher needs name, value and isRegex");
  return { name, value, isRegex, isEqual: isEqual !== false };
}

function readSilence(input: unknown): Parameters<ApiContext["silences"]["set"]>[0] {
  const body = (input ?? {}) as Record<string, unknown>;
  for (const field of ["startsAt", "endsAt", "createdBy", "comment"]) {
    if (typeof body[field] !== "string") throw new UserError("alertmanager.api", `${field} in body is required`);
  }
  if (!Array.isArray(body.matchers)) throw new UserError("alertmanager.api", "matchers in body is required");
  return {
    id: typeof body.id === "string" && body.id !== "" ? body.id : undefined,
    matchers: body.matchers.map(readMatcher),
    startsAt: Date.parse(body.startsAt as string),
    endsAt: Date.parse(body.endsAt as string),
    createdBy: body.createdBy as string,
    comment: body.comment as string,
    annotations: body.annotations as Record<string, string> | undefined,
  };
}

export function mountSilences(app: FastifyInstance, context: ApiContext): void {
  const { silences } = context;

  app.get("/api/v2/silences", async (request) => {
    const filter = parseFilter(requestParams(request));
    const now = context.now();
    return silences
      .all()
      .filter(({ matchers }) => passesFilter(filter, (name) => matchers.find((one) => one.name === name)?.value))
      .sort((a, b) => compare(a, b, now))
      .map((silence) => shown(silence, now));
  });

  app.post("/api/v2/silences", async (request, reply) => {
    const input = readSilence(request.body);
    const silenceID = silences.set(input, context.now());
    if (silenceID === undefined) return reply.code(404).send(JSON.stringify(`silence ${input.id} not found`));
    return { silenceID };
  });

  app.get<{ Params: { id: string } }>("/api/v2/silence/:id", async (request, reply) => {
    const silence = silences.get(request.params.id);
    return silence ? shown(silence, context.now()) : reply.code(404).send();
  });

  app.delete<{ Params: { id: string } }>("/api/v2/silence/:id", async (request, reply) => {
    return silences.expire(request.params.id, context.now()) ? reply.code(200).send() : reply.code(404).send();
  });
}
