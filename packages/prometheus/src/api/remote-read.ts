/** /read: the server's side of remote read. */
import { Readable } from "node:stream";
import type { Registry } from "@pharos/kit";
import { describeError, type Labels, type Queryable, UserError } from "@pharos/model";
import {
  answerChunks,
  answerSamples,
  decodeReadRequest,
  type ReadRequest,
  ResponseType,
  responseType,
  unpackRequest,
} from "@pharos/remote";
import type { FastifyInstance } from "fastify";

const BODY_LIMIT = 32 * 2 ** 20;
const SAMPLE_LIMIT = 50_000_000;
const CONCURRENCY = 10;
const FRAME_BYTES = 2 ** 20;

export interface RemoteReadContext {
  storage: Queryable;
  registry: Registry;
  limits: { sampleLimit?: number; concurrency?: number; frameBytes?: number };
  externalLabels(): Labels;
}

/** Lets so many through at a time; the others wait. 0: any number. */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size === 0 ? Number.POSITIVE_INFINITY : size;
  }

  async enter(): Promise<Disposable> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let inside = true;
    return {
      [Symbol.dispose]: () => {
        if (!inside) return;
        inside = false;
        const next = this.#waiting.shift();
        if (next) next();
        else this.#free++;
      },
    };
  }
}

/** The frames, with the place at the gate given back at the end, however it comes. */
async function* holding(frames: AsyncGenerator<Buffer>, pass: Disposable): AsyncGenerator<Buffer> {
  using _pass = pass;
  yield* frames;
}

export function mountRemoteRead(
  app: FastifyInstance,
  { storage, registry, limits, externalLabels }: RemoteReadContext,
): void {
  const { sampleLimit = SAMPLE_LIMIT, concurrency = CONCURRENCY, frameBytes = FRAME_BYTES } = limits;
  const gate = new Gate(concurrency);
  const queries = registry.gauge(
    "prometheus_remote_read_handler_queries",
    "The current number of remote read queries that are either in execution or queued on the handler.",
  );
  app.post("/api/v1/read", { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const fail = (code: number, error: unknown) =>
      reply
        .code(code)
        .type("text/plain; charset=utf-8")
        .send(`${error instanceof UserError ? error.message : describeError(error)}\n`);
    queries.inc();
    const entered = await gate.enter();
    const pass = {
      [Symbol.dispose]: () => {
        queries.dec();
        entered[Symbol.dispose]();
      },
    };
    let read: ReadRequest;
    let type: number;
    try {
      read = decodeReadRequest(unpackRequest(request.body as Buffer));
      type = responseType(read.accepted);
    } catch (error) {
      pass[Symbol.dispose]();
      return fail(error instanceof UserError ? 400 : 500, error);
    }
    const options = { externalLabels: externalLabels(), sampleLimit, frameBytes };
    if (type === ResponseType.streamedChunks) {
      const frames = holding(answerChunks(storage, read, options), pass);
      return reply
        .type("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
        .send(Readable.from(frames, { objectMode: false }));
    }
    using _pass = pass;
    try {
      const body = await answerSamples(storage, read, options);
      return reply.type("application/x-protobuf").header("content-encoding", "snappy").send(body);
    } catch (error) {
      return fail(error instanceof UserError ? 400 : 500, error);
    }
  });
}
