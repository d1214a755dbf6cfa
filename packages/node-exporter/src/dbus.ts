/**
 * D-Bus, as far as collectors ask questions over it: method calls with strings, and any answer.
 *
 *   message  u8 'l' (little-endian) · u8 type · u8 flags · u8 version 1 · u32 body length · u32 serial
 *            · array of (u8 field, variant) · padding to 8 · body
 *   fields   1 path (o) · 2 interface (s) · 3 member (s) · 4 error name (s) · 5 reply serial (u) · 6 destination (s)
 *            · 8 signature (g)
 *
 * Values are aligned to their own size: strings and arrays to 4, 64-bit numbers and structs to 8.
 */
import type { Socket } from "node:net";

const METHOD_CALL = 1;
const METHOD_RETURN = 2;
const ERROR = 3;
const FIELD = {
  PATH: 1,
  INTERFACE: 2,
  MEMBER: 3,
  ERROR_NAME: 4,
  REPLY_SERIAL: 5,
  DESTINATION: 6,
  SIGNATURE: 8,
} as const;
/** D-Bus's own limit. */
const MAX_MESSAGE = 128 * 1024 * 1024;
const MAX_DEPTH = 64;

export type DbusValue = string | number | bigint | boolean | DbusValue[];

const align = (at: number, to: number): number => Math.ceil(at / to) * to;

/** Reads values by their signature; throws when the message ends too early. */
export class DbusReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  /** One value of the first type in `signature`; `rest` is what follows in the signature. */
  read(signature: string, depth = 0): { value: DbusValue; rest: string } {
    if (depth > MAX_DEPTH) throw new Error("D-Bus: values nested too deep");
    const rest = signature.slice(1);
    switch (signature[0]) {
      case "y":
        return { value: this.#buffer.readUInt8(this.#take(1, 1)), rest };
      case "b":
        return { value: this.#buffer.readUInt32LE(this.#take(4, 4)) !== 0, rest };
      case "n":
        return { value: this.#buffer.readInt16LE(this.#take(2, 2)), rest };
      case "q":
        return { value: this.#buffer.readUInt16LE(this.#take(2, 2)), rest };
      case "i":
        return { value: this.#buffer.readInt32LE(this.#take(4, 4)), rest };
      case "u":
      case "h":
        return { value: this.#buffer.readUInt32LE(this.#take(4, 4)), rest };
      case "x":
        return { value: this.#buffer.readBigInt64LE(this.#take(8, 8)), rest };
      case "t":
        return { value: this.#buffer.readBigUInt64LE(this.#take(8, 8)), rest };
      case "d":
        return { value: this.#buffer.readDoubleLE(this.#take(8, 8)), rest };
      case "s":
      case "o":
        return { value: this.#string(this.#buffer.readUInt32LE(this.#take(4, 4))), rest };
      case "g":
        return { value: this.#string(this.#buffer.readUInt8(this.#take(1, 1))), rest };
      case "v": {
        const inner = this.#string(this.#buffer.readUInt8(this.#take(1, 1)));
        return { value: this.read(inner, depth + 1).value, rest };
      }
      case "(":
      case "{":
        return this.#struct(signature, depth);
      case "a":
        return this.#array(rest, depth);
      default:
        throw new Error(`D-Bus: no type ${JSON.stringify(signature[0])}`);
    }
  }

  #take(bytes: number, boundary: number): number {
    const at = align(this.#at, boundary);
    if (at + bytes > this.#buffer.length) throw new Error("D-Bus: a message that ends too early");
    this.#at = at + bytes;
    return at;
  }

  #string(length: number): string {
    // A zero byte follows.
    const at = this.#take(length + 1, 1);
    return this.#buffer.toString("utf8", at, at + length);
  }

  #struct(signature: string, depth: number): { value: DbusValue; rest: string } {
    this.#take(0, 8);
    const close = signature[0] === "(" ? ")" : "}";
    const value: DbusValue[] = [];
    let rest = signature.slice(1);
    while (rest !== "" && rest[0] !== close) {
      const member = this.read(rest, depth + 1);
      value.push(member.value);
      rest = member.rest;
    }
    if (rest === "") throw new Error("D-Bus: a struct without an end");
    return { value, rest: rest.slice(1) };
  }

  #array(of: string, depth: number): { value: DbusValue; rest: string } {
    const length = this.#buffer.readUInt32LE(this.#take(4, 4));
    this.#take(0, /^[xtd({]/.test(of) ? 8 : 1);
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new Error("D-Bus: an array that ends too late");
    const value: DbusValue[] = [];
    while (this.#at < end) {
      const before = this.#at;
      value.push(this.read(of, depth + 1).value);
      if (this.#at === before) throw new Error("D-Bus: an array of nothing");
    }
    return { value, rest: typeEnd(of) };
  }
}

/** What follows the first type of a signature. */
function typeEnd(signature: string): string {
  if (signature[0] === "a") return typeEnd(signature.slice(1));
  if (signature[0] !== "(" && signature[0] !== "{") return signature.slice(1);
  let open = 0;
  for (let i = 0; i < signature.length; i++) {
    if ("({".includes(signature[i])) open++;
    if (")}".includes(signature[i]) && --open === 0) return signature.slice(i + 1);
  }
  throw new Error("D-Bus: a struct without an end");
}

/** Writes strings, object paths, signatures and numbers of 32 bits: all that questions need. */
class Writer {
  #parts: Buffer[] = [];
  length = 0;

  bytes(value: Buffer): this {
    this.#parts.push(value);
    this.length += value.length;
    return this;
  }

  pad(to: number): this {
    return this.bytes(Buffer.alloc(align(this.length, to) - this.length));
  }

  u32(value: number): this {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return this.pad(4).bytes(buffer);
  }

  string(value: string): this {
    const text = Buffer.from(`${value}\0`);
    return this.u32(text.length - 1).bytes(text);
  }

  signature(value: string): this {
    return this.bytes(Buffer.from([value.length])).bytes(Buffer.from(`${value}\0`));
  }

  field(code: number, type: string, value: string): this {
    this.pad(8)
      .bytes(Buffer.from([code]))
      .signature(type);
    return type === "g" ? this.signature(value) : this.string(value);
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface Call {
  destination: string;
  path: string;
  interface: string;
  member: string;
  /** Strings to call it with. */
  args?: readonly string[];
}

/** A call as bytes. */
export function encodeCall({ destination, path, interface: face, member, args = [] }: Call, serial: number): Buffer {
  const body = new Writer();
  for (const arg of args) body.string(arg);
  const fields = new Writer();
  fields.field(FIELD.PATH, "o", path);
  fields.field(FIELD.INTERFACE, "s", face).field(FIELD.MEMBER, "s", member);
  fields.field(FIELD.DESTINATION, "s", destination);
  if (args.length > 0) fields.field(FIELD.SIGNATURE, "g", "s".repeat(args.length));
  const head = new Writer()
    .bytes(Buffer.from([0x6c, METHOD_CALL, 0, 1]))
    .u32(body.length)
    .u32(serial);
  return head.u32(fields.length).bytes(fields.finish()).pad(8).bytes(body.finish()).finish();
}

interface Reply {
  serial: number;
  error?: string;
  values: DbusValue[];
}

/** Length of the message a buffer begins with; undefined while its head is not there yet. */
function messageLength(buffer: Buffer): number | undefined {
  if (buffer.length < 16) return undefined;
  if (buffer[0] !== 0x6c) throw new Error("D-Bus: a message in another byte order");
  const length = 16 + align(buffer.readUInt32LE(12), 8) + buffer.readUInt32LE(4);
  if (length > MAX_MESSAGE) throw new Error(`D-Bus: a message of ${length} bytes`);
  return length;
}

/** What a message answers; undefined when it is no answer but a signal or a call. */
export function decodeReply(message: Buffer): Reply | undefined {
  const type = message[1];
  const fieldsEnd = 16 + message.readUInt32LE(12);
  const fields = new DbusReader(message.subarray(0, fieldsEnd), 12).read("a(yv)").value as [number, DbusValue][];
  const of = new Map(fields);
  const serial = of.get(FIELD.REPLY_SERIAL);
  if ((type !== METHOD_RETURN && type !== ERROR) || typeof serial !== "number") return undefined;
  const reader = new DbusReader(message.subarray(align(fieldsEnd, 8)));
  const values: DbusValue[] = [];
  for (let rest = String(of.get(FIELD.SIGNATURE) ?? ""); rest !== ""; ) {
    const next = reader.read(rest);
    values.push(next.value);
    rest = next.rest;
  }
  const name = type === ERROR ? String(of.get(FIELD.ERROR_NAME) ?? "error") : undefined;
  return { serial, error: name === undefined ? undefined : `${name}: ${String(values[0] ?? "")}`, values };
}

/** The system's bus, as its environment variable has it, or where it always is. */
function systemBus(): string {
  const address = process.env.DBUS_SYSTEM_BUS_ADDRESS ?? "";
  return /(?:^|;)unix:(?:[^;]*,)?path=([^,;]+)/.exec(address)?.[1] ?? "/run/dbus/system_bus_socket";
}

/** A connection to a bus; to be disposed. */
export class Dbus implements Disposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (values: DbusValue[]) => void; reject: (error: Error) => void }>();
  #received: Buffer = Buffer.alloc(0);
  #serial = 0;
  /** Called with the lines of the greeting, until the bus speaks messages. */
  #onLine: ((line: string) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      try {
        this.#onData(chunk as Buffer);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("D-Bus: the connection is closed")));
  }

  /** Connects and says hello. */
  static async connect(signal: AbortSignal, path = systemBus()): Promise<Dbus> {
    const socket = process.getBuiltinModule("node:net").connect({ path });
    const bus = new Dbus(socket);
    signal.addEventListener("abort", () => bus[Symbol.dispose](), { once: true });
    try {
      const answer = new Promise<string>((resolve, reject) => {
        bus.#onLine = resolve;
        bus.#waiting.set(0, { resolve: () => {}, reject });
      });
      // A byte of nothing carries the process' identity; the user's number is the proof of it.
      const user = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
      socket.write(`\0AUTH EXTERNAL ${user}\r\n`);
      const line = await answer;
      bus.#waiting.delete(0);
      if (!line.startsWith("OK ")) throw new Error(`D-Bus: not let in: ${line}`);
      bus.#onLine = undefined;
      socket.write("BEGIN\r\n");
      const own = "org.freedesktop.DBus";
      await bus.call({ destination: own, path: "/org/freedesktop/DBus", interface: own, member: "Hello" });
      return bus;
    } catch (error) {
      bus[Symbol.dispose]();
      throw error;
    }
  }

  /** What a method answers; throws the error it answers with. */
  call(call: Call): Promise<DbusValue[]> {
    const serial = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(serial, { resolve, reject });
      this.#socket.write(encodeCall(call, serial));
    });
  }

  /** A property of an object. */
  async property(destination: string, path: string, face: string, name: string): Promise<DbusValue> {
    const properties = "org.freedesktop.DBus.Properties";
    const [value] = await this.call({ destination, path, interface: properties, member: "Get", args: [face, name] });
    return value;
  }

  #onData(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    if (this.#onLine) {
      const end = this.#received.indexOf("\r\n");
      if (end < 0) return;
      const line = this.#received.toString("utf8", 0, end);
      this.#received = this.#received.subarray(end + 2);
      this.#onLine(line);
      return;
    }
    for (;;) {
      const length = messageLength(this.#received);
      if (length === undefined || this.#received.length < length) return;
      const reply = decodeReply(this.#received.subarray(0, length));
      this.#received = this.#received.subarray(length);
      if (!reply) continue;
      const waiting = this.#waiting.get(reply.serial);
      this.#waiting.delete(reply.serial);
      if (reply.error === undefined) waiting?.resolve(reply.values);
      else waiting?.reject(new Error(reply.error));
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.#fail(new Error("D-Bus: the connection is given up"));
  }
}
