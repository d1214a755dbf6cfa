/** An HTTP server on loopback that records what it is told and answers as it is told to. For tests. */
import { createServer, type Server } from "node:http";
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

  private constructor(answer: (request: RecordedRequest) => RecorderAnswer) {
    this.answer = answer;
    this.#server = createServer((incoming, outgoing) => {
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
    });
  }

  static async start(answer: (request: RecordedRequest) => RecorderAnswer = () => ({})): Promise<HttpRecorder> {
    const recorder = new HttpRecorder(answer);
    await new Promise<void>((resolve) => recorder.#server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
