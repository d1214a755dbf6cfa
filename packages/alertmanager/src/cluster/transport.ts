/** Envelopes over HTTP: one request carries what this replica has to say, the answer what the other has. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { HttpClient, parseHttpClientConfig, parseYaml } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "./messages.ts";
import type { ClusterTls } from "./tls.ts";

const PATH = "/cluster/v1/exchange";
/** A whole state of a large cluster; more is not read. */
const MAX_BYTES = 256 * 2 ** 20;
const CONTENT_TYPE = "application/x-protobuf";

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error("the message is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

export class Transport implements AsyncDisposable {
  readonly #server: Server;
  readonly #client: HttpClient;
  readonly #scheme: string;

  /** `answer` throws when the envelope is not for us. */
  constructor(tls: ClusterTls | undefined, answer: (envelope: Envelope) => Envelope) {
    const serve = async (request: IncomingMessage): Promise<Uint8Array> =>
      encodeEnvelope(answer(decodeEnvelope(await bodyOf(request))));
    const handler = (request: IncomingMessage, response: import("node:http").ServerResponse): void => {
      if (request.method !== "POST" || request.url !== PATH) {
        response.writeHead(404).end();
        return;
      }
      serve(request).then(
        (body) => response.writeHead(200, { "content-type": CONTENT_TYPE }).end(body),
        (error: Error) => response.writeHead(400, { "content-type": "text/plain" }).end(error.message),
      );
    };
    this.#server = tls ? createSecureServer(tls.server, handler) : createServer(handler);
    this.#scheme = tls ? "https" : "http";
    const config = parseHttpClientConfig(parseYaml("{}").map());
    this.#client = new HttpClient({ ...config, ...(tls ? { tls: tls.client } : {}) });
  }

  /** Answers the port. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) =>
        reject(
          error.code === "EADDRINUSE"
            ? new UserError("kit.port", `port ${port} on ${host} is taken by another program`, {
                where: { flag: "--cluster.listen-address" },
                cause: error,
              })
            : error,
        ),
      );
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Throws when there is no answer. */
  async exchange(address: string, envelope: Envelope, signal: AbortSignal): Promise<Envelope> {
    const answer = await this.#client.fetch(`${this.#scheme}://${address}${PATH}`, {
      method: "POST",
      headers: { "content-type": CONTENT_TYPE },
      body: encodeEnvelope(envelope),
      maxBytes: MAX_BYTES,
      signal,
    });
    if (answer.status !== 200)
      throw new Error(`status ${answer.status}: ${answer.body.toString("utf8").slice(0, 200)}`);
    return decodeEnvelope(answer.body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
