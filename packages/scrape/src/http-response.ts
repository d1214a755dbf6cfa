/**
 * Reads one HTTP/1.1 response from the bytes of a connection, into a pooled buffer.
 *
 *     status line CRLF, header lines CRLF, CRLF, then the body:
 *     none (1xx, 204, 304), or `transfer-encoding: chunked`: size in hex CRLF, data CRLF, … 0 CRLF trailers CRLF,
 *     or `content-length` bytes, or all until the connection ends
 */
import { BodyTooLarge } from "@pharos/kit";
import { BodyBuffer } from "./body-pool.ts";

const MAX_HEAD = 64 * 1024;
const MAX_CHUNK_LINE = 1024;
const LF = 0x0a;

type Phase = "head" | "length" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers" | "until-close" | "done";

export class MalformedResponse extends Error {}

export class ResponseReader {
  status = 0;
  readonly headers = new Map<string, string>();
  readonly body: BodyBuffer;
  /** The connection may serve another request. */
  keepAlive = true;
  readonly #maxBytes: number;
  #phase: Phase = "head";
  /** Head or chunk line that has not ended yet. */
  #line = Buffer.alloc(0);
  #remaining = 0;

  /** `maxBytes` of the body as sent; 0 is any. `expected` sizes the first buffer. */
  constructor(maxBytes: number, expected: number) {
    this.#maxBytes = maxBytes;
    this.body = new BodyBuffer(expected);
  }

  get done(): boolean {
    return this.#phase === "done";
  }

  /** Whether nothing of an answer has come yet. */
  get untouched(): boolean {
    return this.#phase === "head" && this.#line.length === 0;
  }

  /** Takes the next bytes. Throws MalformedResponse or BodyTooLarge. */
  push(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length && this.#phase !== "done") {
      switch (this.#phase) {
        case "head":
          at = this.#readHead(bytes, at, length);
          break;
        case "chunk-size":
        case "chunk-end":
        case "trailers":
          at = this.#readLine(bytes, at, length);
          break;
        case "until-close":
          this.#take(bytes, at, length);
          at = length;
          break;
        default: {
          const end = Math.min(length, at + this.#remaining);
          this.#take(bytes, at, end);
          this.#remaining -= end - at;
          at = end;
          if (this.#remaining === 0) this.#phase = this.#phase === "length" ? "done" : "chunk-end";
        }
      }
    }
  }

  /** The connection ended; true when that completes the body. */
  finish(): boolean {
    if (this.#phase !== "until-close") return this.done;
    this.#phase = "done";
    return true;
  }

  #take(bytes: Buffer, start: number, end: number): void {
    if (this.#maxBytes > 0 && this.body.length + end - start > this.#maxBytes) throw new BodyTooLarge();
    this.body.append(bytes, start, end);
  }

  #readHead(bytes: Buffer, at: number, length: number): number {
    const before = this.#line.length;
    const joined = before === 0 ? bytes.subarray(at, length) : Buffer.concat([this.#line, bytes.subarray(at, length)]);
    const end = joined.indexOf("\r\n\r\n");
    if (end < 0) {
      if (joined.length > MAX_HEAD) throw new MalformedResponse("response header is too large");
      this.#line = Buffer.from(joined);
      return length;
    }
    this.#line = Buffer.alloc(0);
    this.#parseHead(joined.toString("latin1", 0, end));
    return at + end + 4 - before;
  }

  #parseHead(head: string): void {
    const [first, ...lines] = head.split("\r\n");
    const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first);
    if (!match) throw new MalformedResponse(`malformed HTTP response ${JSON.stringify(first.slice(0, 100))}`);
    this.status = Number(match[2]);
    this.headers.clear();
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new MalformedResponse(`malformed header line ${JSON.stringify(line.slice(0, 100))}`);
      const name = line.slice(0, colon).toLowerCase();
      if (!this.headers.has(name)) this.headers.set(name, line.slice(colon + 1).trim());
    }
    // An interim answer: the real one follows.
    if (this.status >= 100 && this.status < 200) return;
    const connection = (this.headers.get("connection") ?? "").toLowerCase();
    this.keepAlive = match[1] === "1" ? connection !== "close" : connection === "keep-alive";
    this.#startBody();
  }

  #startBody(): void {
    const encoding = (this.headers.get("transfer-encoding") ?? "").toLowerCase();
    const length = this.headers.get("content-length");
    if (this.status === 204 || this.status === 304) this.#phase = "done";
    else if (encoding.endsWith("chunked")) this.#phase = "chunk-size";
    else if (encoding !== "") throw new MalformedResponse(`unsupported transfer encoding ${JSON.stringify(encoding)}`);
    else if (length === undefined) {
      this.#phase = "until-close";
      this.keepAlive = false;
    } else {
      if (!/^\d+$/.test(length)) throw new MalformedResponse(`bad Content-Length ${JSON.stringify(length)}`);
      this.#remaining = Number(length);
      if (this.#maxBytes > 0 && this.#remaining > this.#maxBytes) throw new BodyTooLarge();
      this.#phase = this.#remaining === 0 ? "done" : "length";
    }
  }

  /** A line between chunks. */
  #readLine(bytes: Buffer, at: number, length: number): number {
    const newline = bytes.indexOf(LF, at);
    const end = newline < 0 || newline >= length ? length : newline + 1;
    const line = Buffer.concat([this.#line, bytes.subarray(at, end)]);
    if (line.at(-1) !== LF) {
      if (line.length > MAX_CHUNK_LINE) throw new MalformedResponse("malformed chunked encoding");
      this.#line = line;
      return end;
    }
    this.#line = Buffer.alloc(0);
    this.#takeLine(line.toString("latin1").trim());
    return end;
  }

  #takeLine(line: string): void {
    if (this.#phase === "trailers") {
      if (line === "") this.#phase = "done";
      return;
    }
    if (this.#phase === "chunk-end") {
      if (line !== "") throw new MalformedResponse("malformed chunked encoding");
      this.#phase = "chunk-size";
      return;
    }
    const size = line.split(";")[0].trim();
    if (!/^[0-9a-fA-F]{1,12}$/.test(size)) throw new MalformedResponse("malformed chunked encoding");
    this.#remaining = Number.parseInt(size, 16);
    this.#phase = this.#remaining === 0 ? "trailers" : "chunk-data";
  }
}
