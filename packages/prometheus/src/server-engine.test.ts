import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import type { Queryable } from "@pharos/model";
import { expect, test } from "vitest";
import { ServerEngine, withOrigin } from "./server-engine.ts";

/** A storage whose selections wait until they are let go. */
function gatedStorage() {
  const waiting: (() => void)[] = [];
  const storage = {
    querier: () => ({
      select: async () => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return [];
      },
      [Symbol.dispose]: () => {},
    }),
  } as unknown as Queryable;
  return { storage, waiting };
}

const engineWith = (maxConcurrency: number) =>
  new ServerEngine({ maxConcurrency, registry: new Registry(), log: silentLogger });

test("no more queries run at a time than allowed, and one that waits can be given up", async () => {
  using engine = engineWith(1);
  const { storage, waiting } = gatedStorage();
  const first = engine.instant(storage, "up", 0);
  await expect.poll(() => waiting.length).toBe(1);
  const abort = new AbortController();
  const second = engine.instant(storage, "up", 0, {}, abort.signal);
  const third = engine.instant(storage, "up", 0);
  abort.abort();
  await expect(second).rejects.toThrow("query was canceled in query queue");
  expect(waiting.length).toBe(1);
  waiting[0]();
  await first;
  await expect.poll(() => waiting.length).toBe(2);
  waiting[1]();
  await third;
});

test("the log says what was asked, by whom, and what it took; no log, no file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-query-log-"));
  try {
    using engine = engineWith(4);
    const storage = { querier: () => ({ select: async () => [], [Symbol.dispose]: () => {} }) } as unknown as Queryable;
    const file = join(folder, "logs", "query.log");
    engine.logTo(file);
    await withOrigin({ ruleGroup: { file: "r.yml", name: "g" } }, () => engine.instant(storage, "up", 1000));
    await engine.range(storage, "sum(up)", 0, 60_000, 15_000);
    await expect(engine.instant(storage, "up{", 0)).rejects.toThrow();
    engine.logTo("");
    await engine.instant(storage, "down", 0);
    const lines = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({
      msg: "promql query logged",
      params: { query: "up", start: "1970-01-01T00:00:01.000Z", end: "1970-01-01T00:00:01.000Z", step: 0 },
      stats: { samples: { totalQueryableSamples: 0 } },
      ruleGroup: { file: "r.yml", name: "g" },
    });
    expect(lines[1]).toMatchObject({ params: { query: "sum(up)", step: 15 } });
    expect(lines.some((line) => JSON.stringify(line).includes("down"))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
