/**
 * NVIDIA's management library, called through node:ffi. Every function answers a code; one that the library does not have
 * answers FUNCTION_NOT_FOUND like the library itself would. Calls block, for seconds when a device is in trouble: this
 * runs in a process of its own.
 */
import { type ArgumentType, DynamicLibrary, toString as textAtPointer } from "node:ffi";
import { FUNCTION_NOT_FOUND, SUCCESS } from "./codes.ts";

type Argument = number | bigint | Buffer;

/** A device, a set of events or a sample: a pointer that means something to the library only. */
export type Handle = bigint;

function typeOf(argument: Argument): ArgumentType {
  if (typeof argument === "number") return "u32";
  return typeof argument === "bigint" ? "u64" : "buffer";
}

/** Values the library puts where it knows none: the highest ones of their size (NVML_VALUE_NOT_AVAILABLE and DCGM's blanks). */
const NO_U32 = 0xfffffff0;
const NO_U64 = 0x7ffffffffffffff0n;

export class Nvml implements Disposable {
  readonly #library: DynamicLibrary;
  readonly #functions = new Map<string, (...args: Argument[]) => number>();

  /** Throws when there is no such library. */
  constructor(path: string) {
    this.#library = new DynamicLibrary(path);
  }

  /** Calls a function whose arguments are numbers (u32), handles (u64) and buffers to read from or write to. */
  call(name: string, ...args: Argument[]): number {
    let found = this.#functions.get(name);
    if (!found) {
      found = this.#find(name, args.map(typeOf));
      this.#functions.set(name, found);
    }
    return found(...args);
  }

  #find(name: string, types: ArgumentType[]): (...args: Argument[]) => number {
    try {
      return this.#library.getFunction(name, { arguments: types, return: "i32" }) as (...args: Argument[]) => number;
    } catch {
      return () => FUNCTION_NOT_FOUND;
    }
  }

  /** The library's own words for a code. */
  describe(code: number): string {
    try {
      const text = this.#library.getFunction("nvmlErrorString", { arguments: ["i32"], return: "pointer" })(code);
      return textAtPointer(text) ?? `code ${code}`;
    } catch {
      return `code ${code}`;
    }
  }

  /** A number the function writes through its last argument; undefined when it fails or knows none. */
  u32(name: string, ...args: Argument[]): number | undefined {
    const out = Buffer.alloc(4);
    return this.call(name, ...args, out) === SUCCESS ? u32At(out, 0) : undefined;
  }

  u64(name: string, ...args: Argument[]): number | undefined {
    const out = Buffer.alloc(8);
    return this.call(name, ...args, out) === SUCCESS ? u64At(out, 0) : undefined;
  }

  /** A handle the function writes through its last argument, or the code it failed with. */
  handle(name: string, ...args: Argument[]): { handle: Handle } | { code: number } {
    const out = Buffer.alloc(8);
    const code = this.call(name, ...args, out);
    return code === SUCCESS ? { handle: out.readBigUInt64LE() } : { code };
  }

  /** Text the function writes into a buffer of the size it is told; undefined when it fails. */
  text(name: string, size: number, ...args: Argument[]): string | undefined {
    const out = Buffer.alloc(size);
    return this.call(name, ...args, out, size) === SUCCESS ? textAt(out, 0, size) : undefined;
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }
}

export function u32At(buffer: Buffer, offset: number): number | undefined {
  const value = buffer.readUInt32LE(offset);
  return value >= NO_U32 ? undefined : value;
}

export function u64At(buffer: Buffer, offset: number): number | undefined {
  const value = buffer.readBigUInt64LE(offset);
  return value >= NO_U64 ? undefined : Number(value);
}

/** Text up to its zero byte. */
export function textAt(buffer: Buffer, offset: number, size: number): string {
  const bytes = buffer.subarray(offset, offset + size);
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? size : end);
}
