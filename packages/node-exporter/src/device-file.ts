/**
 * Reading what may not answer: files behind which a device, a bus, another machine or another program stands. They are read
 * by libuv's pool, so that a hung one holds a thread of it and nothing else. A hung read can never be taken back: what hangs
 * is counted, and before the pool is full of it, further reads fail at once and say so.
 */
import { parseInteger } from "./collector.ts";
import { close, openSync, read } from "./system.ts";

/** Threads of the pool; libuv's default unless the environment says otherwise. */
const POOL = Number(process.env.UV_THREADPOOL_SIZE) || 4;
/** A read that takes longer is taken for a hung one. */
const HUNG_MS = 1000;

/** Reads that have not come back, and when each was begun, in ms. */
const begun = new Set<{ at: number }>();

function hung(): number {
  let count = 0;
  for (const { at } of begun) if (performance.now() - at > HUNG_MS) count++;
  return count;
}

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/**
 * Runs one of Node's functions that end with a callback in the pool; fails at once when hung reads have taken all of its
 * threads but one.
 */
export function inPool<T>(start: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stuck = begun.size >= POOL - 1 ? hung() : 0;
    if (stuck >= POOL - 1) {
      reject(new Error(`${stuck} reads of devices or file systems hang`));
      return;
    }
    const mark = { at: performance.now() };
    begun.add(mark);
    start((error, value) => {
      begun.delete(mark);
      if (error) reject(error);
      else resolve(value);
    });
  });
}

/** Attributes are a page at most, wherever pages are small. */
const ATTRIBUTE_BYTES = 4096;

/** Buffers that are free again; one of a hung read never is. */
const buffers: Buffer[] = [];

/** Text of an attribute of a device, trimmed; undefined when it cannot be read. Throws when `signal` is aborted. */
export async function readDevice(path: string, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  let descriptor: number;
  try {
    // sysfs opens without asking the device: only the read has to leave this thread.
    descriptor = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const buffer = buffers.pop() ?? Buffer.allocUnsafe(ATTRIBUTE_BYTES);
    const bytes = await inPool<number>((done) => read(descriptor, buffer, 0, ATTRIBUTE_BYTES, null, done));
    const text = buffer.toString("utf8", 0, bytes).trim();
    buffers.push(buffer);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  } finally {
    // The file may belong to a device that is gone: closing can fail, and nothing depends on it.
    close(descriptor, () => {});
  }
}

/** As `readDevice`, but what cannot be read or is no whole number is undefined. */
export async function readDeviceInteger(path: string, signal: AbortSignal): Promise<number | undefined> {
  return parseInteger(await readDevice(path, signal));
}
