/**
 * A session with a ZooKeeper server: reading nodes and being told of changes. Every message is a 32-bit length and that
 * many bytes, numbers big-endian; strings and buffers carry a 32-bit length, -1 for none.
 *
 *   connect   → version 0, last zxid i64, timeout i32, session i64, password buffer, read-only bool
 *             ← version i32, timeout i32, session i64, password buffer
 *   request   → xid i32, operation i32, path string, watch bool
 *   answer    ← xid i32, zxid i64, error i32, then what the operation gives; xid -1: an event, -2: a ping's answer
 *   event     ← type i32, state i32, path string
 */
import { connect, type Socket } from "node:net";
import { UserError } from "@pharos/model";

const EXISTS = 3;
const GET_DATA = 4;
const GET_CHILDREN = 8;
const PING = 11;
const CLOSE = -11;
const EVENT_XID = -1;
const PING_XID = -2;
const NO_NODE = -101;
const MAX_FRAME = 16 * 2 ** 20;
const PASSWORD_BYTES = 16;
const DEFAULT_PORT = 2181;

function broken(message: string, cause?: unknown): UserError {
  return new UserError("discovery.zookeeper", `ZooKeeper: ${message}`, { cause });
}

/** Reads a message; throws at its end. */
class FrameReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(): number {
    this.#need(4);
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  skip(bytes: number): void {
    this.#need(bytes);
    this.#at += bytes;
  }

  buffer(): Buffer {
    const length = Math.max(0, this.int());
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.buffer().toString("utf8");
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) throw broken("an answer is shorter than it says");
  }
}

function pathRequest(xid: number, operation: number, path: string): Buffer {
  const name = Buffer.from(path);
  const frame = Buffer.alloc(4 + 4 + 4 + 4 + name.length + 1);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(xid, 4);
  frame.writeInt32BE(operation, 8);
  frame.writeInt32BE(name.length, 12);
  name.copy(frame, 16);
  // Always with a watch.
  frame[frame.length - 1] = 1;
  return frame;
}

function plainRequest(xid: number, operation: number): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeInt32BE(8, 0);
  frame.writeInt32BE(xid, 4);
  frame.writeInt32BE(operation, 8);
  return frame;
}

function connectRequest(timeoutMs: number): Buffer {
  const frame = Buffer.alloc(4 + 4 + 8 + 4 + 8 + 4 + PASSWORD_BYTES + 1);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(timeoutMs, 16);
  frame.writeInt32BE(PASSWORD_BYTES, 28);
  return frame;
}

interface Waiting {
  resolve: (answer: FrameReader | undefined) => void;
  reject: (error: unknown) => void;
}

export class ZooKeeperSession implements Disposable {
  readonly #socket: Socket;
  readonly #onEvent: (path: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended = Promise.withResolvers<unknown>();
  #chunks: Buffer[] = [];
  #size = 0;
  #xid = 0;
  #greeted: Waiting | undefined;
  #timeoutMs: number;
  #pinger: NodeJS.Timeout | undefined;
  #over = false;

  private constructor(socket: Socket, timeoutMs: number, onEvent: (path: string) => void) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#onEvent = onEvent;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.#end(broken(error.message, error)));
    socket.on("close", () => this.#end(broken("the connection ended")));
    socket.on("timeout", () => this.#end(broken("the server says nothing")));
  }

  /** Opens a session; `onEvent` is told of each change of what was read. Throws when the server is not reached. */
  static async open(
    server: string,
    timeoutMs: number,
    onEvent: (path: string) => void,
    signal: AbortSignal,
  ): Promise<ZooKeeperSession> {
    const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(server) ?? [];
    const socket = connect({ host: host.replace(/^\[|\]$/g, ""), port: Number(port ?? DEFAULT_PORT), signal });
    socket.setTimeout(timeoutMs);
    const session = new ZooKeeperSession(socket, timeoutMs, onEvent);
    await new Promise<void>((resolve, reject) => {
      session.#greeted = { resolve: () => resolve(), reject };
      socket.once("connect", () => socket.write(connectRequest(timeoutMs)));
    });
    return session;
  }

  /** Resolves with the reason when the session is over. */
  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  /** The node's data; undefined when there is no such node. Its next change is an event. */
  async data(path: string): Promise<Buffer | undefined> {
    return (await this.#ask(GET_DATA, path))?.buffer();
  }

  /** Names of the node's children; undefined when there is no such node. Their next change is an event. */
  async children(path: string): Promise<string[] | undefined> {
    const answer = await this.#ask(GET_CHILDREN, path);
    if (!answer) return undefined;
    return Array.from({ length: Math.max(0, answer.int()) }, () => answer.text());
  }

  /** Whether the node is there; its coming or going is an event. */
  async exists(path: string): Promise<boolean> {
    return (await this.#ask(EXISTS, path)) !== undefined;
  }

  [Symbol.dispose](): void {
    if (!this.#over) this.#socket.end(plainRequest(++this.#xid, CLOSE));
    this.#end(broken("the session was closed"));
  }

  #ask(operation: number, path: string): Promise<FrameReader | undefined> {
    const xid = ++this.#xid;
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(broken("the session is over"));
        return;
      }
      this.#waiting.set(xid, { resolve, reject });
      this.#socket.write(pathRequest(xid, operation, path));
    });
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    try {
      for (let frame = this.#frame(); frame; frame = this.#frame()) this.#handle(new FrameReader(frame));
    } catch (error) {
      this.#end(error);
    }
  }

  /** The next whole message. */
  #frame(): Buffer | undefined {
    if (this.#size < 4) return undefined;
    if (this.#chunks[0].length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = this.#chunks[0].readInt32BE(0);
    if (length < 0 || length > MAX_FRAME) throw broken(`an answer has ${length} bytes`);
    if (this.#size < 4 + length) return undefined;
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = all.length > 4 + length ? [all.subarray(4 + length)] : [];
    this.#size -= 4 + length;
    return all.subarray(4, 4 + length);
  }

  #handle(frame: FrameReader): void {
    if (this.#greeted) {
      frame.int();
      this.#start(frame.int());
      return;
    }
    const xid = frame.int();
    frame.skip(8);
    const error = frame.int();
    if (xid === PING_XID) return;
    if (xid === EVENT_XID) {
      const type = frame.int();
      frame.int();
      // Events without a type tell of the connection.
      if (type > 0) this.#onEvent(frame.text());
      return;
    }
    const waiting = this.#waiting.get(xid);
    this.#waiting.delete(xid);
    if (error === 0) waiting?.resolve(frame);
    else if (error === NO_NODE) waiting?.resolve(undefined);
    else waiting?.reject(broken(`error ${error}`));
  }

  /** The server has taken us, for this long without a word. */
  #start(timeoutMs: number): void {
    const greeted = this.#greeted;
    this.#greeted = undefined;
    if (timeoutMs <= 0) {
      this.#end(broken("the session was refused"));
      return;
    }
    this.#timeoutMs = timeoutMs;
    this.#socket.setTimeout(timeoutMs);
    this.#pinger = setInterval(() => this.#socket.write(plainRequest(PING_XID, PING)), this.#timeoutMs / 3);
    this.#pinger.unref();
    greeted?.resolve(undefined);
  }

  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#pinger);
    this.#greeted?.reject(reason);
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    this.#ended.resolve(reason);
    this.#socket.destroySoon();
  }
}
