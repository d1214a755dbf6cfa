/**
 * Netlink: how the kernel tells of its network. A request is one message; a dump is answered by many.
 *
 *   message    u32 length · u16 type · u16 flags · u32 sequence · u32 port · body, padded to 4
 *   attribute  u16 length · u16 type (upper bits are flags) · value, padded to 4
 *   error      type 2, body: i32 negated error number (0: done well)
 *   end        type 3
 *
 * All numbers are in the machine's own order, which is little-endian on every machine Node runs on.
 */

import { readDevice } from "./device-file.ts";
import { lastError, libc } from "./libc.ts";
import { getSystemErrorName } from "./system.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUF = 8;

const HEADER = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
/** The upper bits of an attribute's type say how its value is packed. */
const TYPE_MASK = 0x3fff;

export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_GENERIC = 16;

/** The kernel puts at most 32 KiB into one answer to a dump. */
const ANSWER_BYTES = 64 * 1024;
/** Answers come at once; this bounds what a broken kernel module could cost. */
const TIMEOUT_SECONDS = 2n;

export interface Message {
  type: number;
  body: Buffer;
}

const align = (length: number): number => (length + 3) & ~3;

/** Cuts what was received into messages; throws when a length is impossible. */
export function parseMessages(buffer: Buffer): Message[] {
  const out: Message[] = [];
  for (let at = 0; at + HEADER <= buffer.length; ) {
    const length = buffer.readUInt32LE(at);
    if (length < HEADER || at + length > buffer.length) throw new Error(`netlink: a message of ${length} bytes`);
    out.push({ type: buffer.readUInt16LE(at + 4), body: buffer.subarray(at + HEADER, at + length) });
    at += align(length);
  }
  return out;
}

function checkedLength(body: Buffer, at: number): number {
  const length = body.readUInt16LE(at);
  if (length < 4 || at + length > body.length) throw new Error(`netlink: an attribute of ${length} bytes`);
  return length;
}

/** Attributes as they come, types and values. Throws when a length is impossible. */
export function* attributesOf(body: Buffer, offset = 0): Generator<readonly [type: number, value: Buffer]> {
  for (let at = offset; at + 4 <= body.length; ) {
    const length = checkedLength(body, at);
    yield [body.readUInt16LE(at + 2) & TYPE_MASK, body.subarray(at + 4, at + length)];
    at += align(length);
  }
}

/** Attributes by type; the last one of a type counts. */
export function parseAttributes(body: Buffer, offset = 0): Map<number, Buffer> {
  const out = new Map<number, Buffer>();
  for (let at = offset; at + 4 <= body.length; ) {
    const length = checkedLength(body, at);
    out.set(body.readUInt16LE(at + 2) & TYPE_MASK, body.subarray(at + 4, at + length));
    at += align(length);
  }
  return out;
}

/** An attribute as bytes, padded. */
export function attribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc(align(4 + value.length));
  out.writeUInt16LE(4 + value.length, 0);
  out.writeUInt16LE(type, 2);
  value.copy(out, 4);
  return out;
}

/** Text that ends with a zero byte. */
export function text(value: Buffer | undefined): string {
  if (!value) return "";
  const end = value.indexOf(0);
  return value.toString("utf8", 0, end < 0 ? value.length : end);
}

function netlinkError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`netlink: ${code}`), { code, errno });
}

/** A connection to one family of the kernel's; to be disposed. */
export class Netlink implements Disposable {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafe(ANSWER_BYTES);
  #sequence = 0;

  /** Throws the system's error when the kernel has not the family. */
  constructor(family: number) {
    this.#descriptor = libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, family);
    if (this.#descriptor < 0) throw lastError("socket");
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(TIMEOUT_SECONDS, 0);
    libc().setsockopt(this.#descriptor, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length);
    const room = Buffer.alloc(4);
    room.writeUInt32LE(1 << 20, 0);
    libc().setsockopt(this.#descriptor, SOL_SOCKET, SO_RCVBUF, room, room.length);
  }

  /** Everything the kernel has of a kind. */
  dump(type: number, body: Buffer): Message[] {
    return this.#execute(type, NLM_F_REQUEST | NLM_F_DUMP, body);
  }

  /** The answers to one question. */
  ask(type: number, body: Buffer): Message[] {
    return this.#execute(type, NLM_F_REQUEST | NLM_F_ACK, body);
  }

  #execute(type: number, flags: number, body: Buffer): Message[] {
    const request = Buffer.alloc(HEADER + align(body.length));
    request.writeUInt32LE(HEADER + body.length, 0);
    request.writeUInt16LE(type, 4);
    request.writeUInt16LE(flags, 6);
    request.writeUInt32LE(++this.#sequence, 8);
    body.copy(request, HEADER);
    if (libc().send(this.#descriptor, request, BigInt(request.length), 0) < 0) throw lastError("send");
    const out: Message[] = [];
    for (;;) {
      const received = Number(libc().recv(this.#descriptor, this.#buffer, BigInt(ANSWER_BYTES), 0));
      if (received < 0) throw lastError("recv");
      // The buffer is used again: what is kept is copied out of it, once for all messages of an answer.
      for (const message of parseMessages(Buffer.from(this.#buffer.subarray(0, received)))) {
        if (message.type === NLMSG_DONE) return out;
        if (message.type === NLMSG_ERROR) {
          const errno = message.body.length < 4 ? -5 : message.body.readInt32LE(0);
          if (errno !== 0) throw netlinkError(errno);
          return out;
        }
        out.push(message);
      }
    }
  }

  [Symbol.dispose](): void {
    libc().close(this.#descriptor);
  }
}

/** The question that is under way, for all who want to know. */
let asking: Promise<void> | undefined;

/**
 * Waits until the lock is free that guards the kernel's network devices and that a driver which hangs holds for ever:
 * reading an attribute takes it, in the pool, before a call that would take it on this thread.
 */
export function networkLock(signal: AbortSignal): Promise<void> {
  asking ??= readDevice("/sys/class/net/lo/speed", signal)
    .then(() => {})
    .finally(() => {
      asking = undefined;
    });
  return asking;
}
