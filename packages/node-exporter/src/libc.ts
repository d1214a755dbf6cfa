/**
 * The few calls of the C library for which Node has no functions of its own. They run on the calling thread: only what
 * the kernel answers out of its memory is asked this way.
 */
import { dlopen, getInt32, getSystemErrorName } from "./system.ts";

const SYMBOLS = {
  __errno_location: { arguments: [], return: "pointer" },
  adjtimex: { arguments: ["buffer"], return: "i32" },
  close: { arguments: ["i32"], return: "i32" },
  ioctl: { arguments: ["i32", "u64", "buffer"], return: "i32" },
  recv: { arguments: ["i32", "buffer", "u64", "i32"], return: "i64" },
  send: { arguments: ["i32", "buffer", "u64", "i32"], return: "i64" },
  setsockopt: { arguments: ["i32", "i32", "i32", "buffer", "u32"], return: "i32" },
  syscall: { arguments: ["i64", "buffer", "i64", "i64", "i64", "i64"], return: "i64" },
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
} as const;

const open = () => dlopen(null, SYMBOLS).functions;
let functions: ReturnType<typeof open> | undefined;

/** The library's functions; it is opened at first use and stays open, as the program itself stands on it. */
export function libc(): ReturnType<typeof open> {
  functions ??= open();
  return functions;
}

/** Error of the call before, with Node's code, such as EPERM; nothing may come between the two. */
export function lastError(call: string): NodeJS.ErrnoException {
  const errno = getInt32(libc().__errno_location());
  const code = errno > 0 ? getSystemErrorName(-errno) : "EUNKNOWN";
  return Object.assign(new Error(`${call}: ${code}`), { code, errno: -errno, syscall: call });
}

/** An ioctl number: direction and size of what is passed, and the driver's letter and command. */
export function ioctlNumber(direction: "read" | "readwrite", type: number, command: number, size: number): bigint {
  const key = (direction === "read" ? 2 : 3) * 2 ** 30 + size * 2 ** 16 + type * 2 ** 8 + command;
  return BigInt(key);
}

/** Asks the kernel about an open file; `buffer` carries question and answer. Throws the call's error. */
export function ioctl(descriptor: number, request: bigint, buffer: Buffer): void {
  if (libc().ioctl(descriptor, request, buffer) < 0) throw lastError("ioctl");
}
