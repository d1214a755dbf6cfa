import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { linesBackwards } from "./lines-backwards.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "pharos-am-lines-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function read(text: string, piece: number): Promise<string[]> {
  const path = join(folder, "lines");
  writeFileSync(path, text);
  return Array.fromAsync(linesBackwards(path, piece));
}

test("lines come last first, whole, however the file is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", " ", "{"), maxLength: 9 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      async (lines, piece, isWhole) => {
        const text = lines.map((line) => `${line}\n`).join("");
        const given = isWhole || lines.length === 0 ? text : `${text}half`;
        const expected = [...(given === text ? [] : ["half"]), ...lines.toReversed()];
        expect(await read(given, piece)).toEqual(expected);
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test("a file that is gone has no lines", async () => {
  expect(await Array.fromAsync(linesBackwards(join(folder, "nothing")))).toEqual([]);
});
