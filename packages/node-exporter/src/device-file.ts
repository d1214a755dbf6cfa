/**
 * Reading what may not answer: files behind which a device, a bus, another machine or another program stands. They are read
 * by libuv's pool, so that a hung one holds a thread of it and nothing else. A hung read can never be taken back: what hangs
 * is counted, and before the pool is full of it, further reads fail at once and say so.
 */
import { close, openSync, read } from "node:fs";
import { parseInteger } from "./collector.ts";

/** Threads of the pool; libuv's default unless the environment says otherwise. */
const POOL = Number(process.env.UV_THREADPOOL_SIZE) || 4;
/** A read that takes longer is taken for a hung one. */
const HUNG_MS = 1000;

/** When each read that has not come back was begun, in ms. */
const begun = new Set<{ at: number }>();

function hung(): number {
  let count = 0;
  for (const { at } of begun) if (performance.now() - at > HUNG_MS) count++;
  return count;
}

/** Runs something in the pool; throws at once when hung reads have taken all of its threads but one. */
export async function inPool<T>(start: () => Promise<T>): Promise<T> {
  if (begun.size >= POOL - 1 && hung() >= POOL - 1) throw new Error(`${hung()} reads of devices hang`);
  const mark = { at: performance.now() };
  begun.add(mark);
  try {
    return await start();
  } finally {
    begun.delete(mark);
  }
}

/** Attributes are a page at most, wherever pages are small. */
const ATTRIBUTE_BYTES = 4096;

/** sysfs opens without asking the device: only the read has to leave this thread. */
function readAttribute(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const descriptor = openSync(path, "r");
    const buffer = Buffer.allocUnsafe(ATTRIBUTE_BYTES);
    read(descriptor, buffer, 0, ATTRIBUTE_BYTES, null, (error, bytes) => {
      // The file may belong to a device that is gone: closing can fail, and nothing depends on it.
      close(descriptor, () => {});
      if (error) reject(error);
      else resolve(buffer.toString("utf8", 0, bytes).trim());
    });
  });
}

/** Text of an attribute of a device, trimmed; undefined when it cannot be read. Throws when `signal` is aborted. */
export async function readDevice(path: string, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  try {
    return await inPool(() => readAttribute(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

/** As `readDevice`, but what cannot be read or is no whole number is undefined. */
export async function readDeviceInteger(path: string, signal: AbortSignal): Promise<number | undefined> {
  return parseInteger(await readDevice(path, signal));
}
