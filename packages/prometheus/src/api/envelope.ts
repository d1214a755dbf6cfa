/** The answer format of Prometheus' HTTP API: `{status, data, errorType, error, warnings, infos}`. */
import { Readable } from "node:stream";
import { describeError, UserError } from "@pharos/model";
import { QueryError } from "@pharos/promql";
import type { FastifyReply } from "fastify";
import { recyclePieces } from "./json-bytes.ts";

export type ErrorType =
  | "bad_data"
  | "execution"
  | "canceled"
  | "timeout"
  | "internal"
  | "unavailable"
  | "not_found"
  | "not_acceptable";

/** As upstream's switch in web/api/v1: `unavailable` really is a 500. */
const STATUS: Record<ErrorType, number> = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  unavailable: 500,
  not_found: 404,
  not_acceptable: 406,
};

/** Thrown by handlers; becomes an error answer. */
export class ApiError extends Error {
  readonly type: ErrorType;
  constructor(type: ErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

export interface Notes {
  warnings?: readonly string[];
  infos?: readonly string[];
}

/** Warnings and infos, when there are any, and the end of the envelope: what follows `data`. */
export function closing({ warnings, infos }: Notes): string {
  let out = "";
  if (warnings && warnings.length > 0) out += `,"warnings":${JSON.stringify(warnings)}`;
  if (infos && infos.length > 0) out += `,"infos":${JSON.stringify(infos)}`;
  return `${out}}`;
}

/** Sends already encoded JSON as `data`. */
export function sendJson(reply: FastifyReply, data: string, notes: Notes = {}): FastifyReply {
  // As bytes: fastify would name a character set for a text, which upstream does not.
  return reply.type("application/json").send(Buffer.from(`{"status":"success","data":${data}${closing(notes)}`));
}

export function sendData(reply: FastifyReply, data: unknown, notes: Notes = {}): FastifyReply {
  return sendJson(reply, JSON.stringify(data), notes);
}

/** Sends a small answer at once, a large one while it is being written. */
export function sendPieces(reply: FastifyReply, pieces: Generator<Buffer>): FastifyReply {
  reply.type("application/json");
  const first = pieces.next().value as Buffer;
  const second = pieces.next();
  if (second.done) return reply.send(first);
  const sent = [first];
  // All of them have been handed to the system then.
  reply.raw.once("finish", () => recyclePieces(sent));
  return reply.send(Readable.from(noted(sent, second.value, pieces), { objectMode: false }));
}

/** What has been taken out already, one more, and the rest; all of it is noted in `sent`. */
function* noted(sent: Buffer[], second: Buffer, rest: Generator<Buffer>): Generator<Buffer> {
  yield sent[0];
  sent.push(second);
  yield second;
  for (const piece of rest) {
    sent.push(piece);
    yield piece;
  }
}

export function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  let type: ErrorType = "internal";
  if (error instanceof ApiError) type = error.type;
  else if (error instanceof QueryError) type = error.kind;
  else if (error instanceof UserError) type = "bad_data";
  const message = error instanceof UserError ? error.message : describeError(error);
  return reply
    .code(STATUS[type])
    .type("application/json")
    .send(Buffer.from(JSON.stringify({ status: "error", errorType: type, error: message })));
}
