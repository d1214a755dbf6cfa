/** An HTTP server on loopback that records what it is told and answers as it is told to. For tests. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface RecordedRequest {
  method: string;
  /** With the query. */
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Unix ms. */
  at: number;
}

export interface RecorderAnswer {
  status?: number;
  contentType?: string;
  body?: string;
  /** Never answers. */
  hangs?: boolean;
}

export class HttpRecorder implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  answer: (request: RecordedRequest) => RecorderAnswer;
  readonly #server: Server;

  readonly #secure: boolean;

  private constructor(
    answer: (request: RecordedRequest) => RecorderAnswer,
    tls: { cert: string; key: string } | undefined,
  ) {
    this.answer = answer;
    this.#secure = tls !== undefined;
    const listener: RequestListener = (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const request: RecordedRequest = {
          method: incoming.method ?? "",
          url: incoming.url ?? "",
          headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString("utf8"),
          at: Date.now(),
        };
        this.requests.push(request);
        const { status = 200, contentType = "text/plain", body = "", hangs = false } = this.answer(request);
        if (!hangs) outgoing.writeHead(status, { "content-type": contentType }).end(body);
      });
    };
    this.#server = tls ? createSecureServer(tls, listener) : createServer(listener);
  }

  static async start(
    answer: (request: RecordedRequest) => RecorderAnswer = () => ({}),
    tls?: { cert: string; key: string },
  ): Promise<HttpRecorder> {
    const recorder = new HttpRecorder(answer, tls);
    await new Promise<void>((resolve) => recorder.#server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http${this.#secure ? "s" : ""}://127.0.0.1:${this.port}`;
  }

  /** The last body, read as JSON. */
  get json(): Record<string, unknown> {
    return JSON.parse(this.requests.at(-1)?.body ?? "null") as Record<string, unknown>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
