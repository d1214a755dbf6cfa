import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inPool, readDevice, readDeviceInteger } from "./device-file.ts";

let dir: string;
const never = new AbortController().signal;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-device-"));
  writeFileSync(join(dir, "temp"), " 4200\n");
  writeFileSync(join(dir, "words"), "4200 mC\n");
});
afterAll(() => rmSync(dir, { recursive: true }));

test("attributes: text, whole numbers, and what cannot be read", async () => {
  expect(await readDevice(join(dir, "temp"), never)).toBe("4200");
  expect(await readDeviceInteger(join(dir, "temp"), never)).toBe(4200);
  expect(await readDeviceInteger(join(dir, "words"), never)).toBeUndefined();
  expect(await readDevice(join(dir, "none"), never)).toBeUndefined();
  expect(await readDevice(dir, never)).toBeUndefined();
});

test("nothing is begun once nobody waits any more", async () => {
  const abort = new AbortController();
  abort.abort();
  await expect(readDevice(join(dir, "temp"), abort.signal)).rejects.toThrow();
});

test("hung reads leave a thread of the pool free: others fail at once instead of waiting behind them", async () => {
  const fifo = join(dir, "fifo");
  execFileSync("mkfifo", [fifo]);
  // Open for reading and writing: reading waits for a writer that writes nothing.
  const handle = await open(fifo, "r+");
  const pool = Number(process.env.UV_THREADPOOL_SIZE) || 4;
  const { read } = await import("node:fs");
  const hanging = Array.from({ length: pool - 1 }, () =>
    inPool<number>((done) => read(handle.fd, Buffer.alloc(1), 0, 1, null, done)),
  );
  await sleep(1100);
  await expect(readDevice(join(dir, "temp"), never)).rejects.toThrow("hang");
  // Their ends: a byte for each.
  await handle.write(Buffer.alloc(pool));
  await Promise.all(hanging);
  expect(await readDevice(join(dir, "temp"), never)).toBe("4200");
  await handle.close();
});
