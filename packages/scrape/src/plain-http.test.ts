import { createServer, type Server, type Socket } from "node:net";
import { BodyTooLarge } from "@pharos/kit";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MalformedResponse, ResponseReader } from "./http-response.ts";
import { PlainConnection } from "./plain-connection.ts";

/** Reads a response that comes in pieces of these sizes. */
function read(text: string, sizes: readonly number[] = [text.length], maxBytes = 0, closes = false) {
  const reader = new ResponseReader(maxBytes, 0);
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  for (let i = 0; at < bytes.length && !reader.done; i++) {
    const size = Math.max(1, sizes[i % sizes.length]);
    const piece = Buffer.from(bytes.subarray(at, at + size));
    reader.push(piece, piece.length);
    at += size;
  }
  if (closes) reader.finish();
  return {
    status: reader.status,
    body: reader.body.bytes.toString("latin1"),
    done: reader.done,
    keepAlive: reader.keepAlive,
  };
}

describe("responses", () => {
  test.each([
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true],
    ["HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "", true],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: z\r\n\r\n",
      "hello",
      true,
    ],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", "x", false],
    ["HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", false],
    ["HTTP/1.1 204 No Content\r\n\r\n", "", true],
  ])("%j, in whatever pieces", (text, body, keepAlive) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        expect(read(text, sizes)).toMatchObject({ body, keepAlive, done: true });
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test("a body without a length ends with the connection, one with a length does not", () => {
    expect(read("HTTP/1.1 200 OK\r\n\r\nhel", undefined, 0, true)).toMatchObject({
      body: "hel",
      done: true,
      keepAlive: false,
    });
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", undefined, 0, true).done).toBe(false);
  });

  test.each([
    "HTTP/2 200 OK\r\n\r\n",
    "nonsense\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    `HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}`,
  ])("refuses %#", (text) => {
    expect(() => read(text)).toThrow(MalformedResponse);
  });

  test("limits hold before and while the body comes", () => {
    expect(() => read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", undefined, 4)).toThrow(BodyTooLarge);
    expect(() => read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", undefined, 4)).toThrow(
      BodyTooLarge,
    );
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", undefined, 4).body).toBe("hell");
  });

  test("fuzz: any bytes end in an answer or a refusal", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "HTTP/1.1 200 OK\r\n",
        "\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "3\r\n",
        "abc",
        "0\r\n",
      ),
      fc.string({ unit: "binary-ascii", maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), fc.array(fc.nat(7), { minLength: 1 }), (pieces, sizes) => {
        try {
          read(pieces.join(""), sizes, 100, true);
        } catch (error) {
          expect(error instanceof MalformedResponse || error instanceof BodyTooLarge).toBe(true);
        }
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

describe("connections", () => {
  let server: Server;
  let sockets: Socket[];
  let serve: (socket: Socket, count: number) => void;
  let connection: PlainConnection;

  beforeEach(async () => {
    sockets = [];
    let count = 0;
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", () => serve(socket, ++count));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    connection = new PlainConnection(
      new URL(`http://127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`),
    );
  });
  afterEach(() => {
    connection[Symbol.dispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function get(signal = AbortSignal.timeout(2_000)): Promise<string> {
    const answer = await connection.request({
      head: "GET / HTTP/1.1\r\nhost: x\r\n",
      maxBytes: 0,
      expectedBytes: 0,
      signal,
    });
    const text = answer.body.bytes.toString();
    answer.body[Symbol.dispose]();
    return text;
  }
  const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  test("are used again", async () => {
    serve = (socket, count) => socket.write(ok(String(count)));
    expect([await get(), await get(), await get()]).toEqual(["1", "2", "3"]);
    expect(sockets).toHaveLength(1);
  });

  test("that were closed meanwhile are opened again, once", async () => {
    serve = (socket, count) => {
      if (count === 2) socket.destroy();
      else socket.write(ok(String(count)));
    };
    expect(await get()).toBe("1");
    expect(await get()).toBe("3");
    expect(sockets).toHaveLength(2);
    serve = (socket) => socket.destroy();
    await expect(get()).rejects.toThrow();
    expect(sockets).toHaveLength(3);
  });

  test("that break off in the middle fail", async () => {
    serve = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    await expect(get()).rejects.toThrow("unexpected EOF");
  });

  test("that never answer end with the signal, and the next request starts afresh", async () => {
    serve = () => {};
    await expect(get(AbortSignal.timeout(30))).rejects.toThrow(/timeout/i);
    serve = (socket) => socket.write(ok("late"));
    expect(await get()).toBe("late");
    expect(sockets).toHaveLength(2);
  });

  test("that talk unasked are not trusted", async () => {
    serve = (socket) => socket.write(ok("a"));
    expect(await get()).toBe("a");
    sockets[0].write(ok("unasked"));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await get()).toBe("a");
    expect(sockets).toHaveLength(2);
  });
});
