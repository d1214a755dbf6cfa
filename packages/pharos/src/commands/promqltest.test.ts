import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { promqltest } from "./promqltest.ts";

let folder: string;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pharos-promqltest-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const GOOD = "load 1m\n  m 1 2\n\neval instant at 1m m\n  m 2\n";
const BAD = "load 1m\n  m 1 2\n\neval instant at 1m m\n  m 3\n\neval instant at 0 m\n  m 1\n";

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

it("runs the files of a folder, and says of each what passed", async () => {
  write("a.test", GOOD);
  write("deeper/b.test", BAD);
  write("notes.txt", "no test");
  expect(await promqltest.run([folder])).toBe(1);
  expect(printed).toMatch(/^ok {5}.*a\.test +1 of 1 passed$/m);
  expect(printed).toMatch(/^FAILED .*b\.test +1 of 2 passed$/m);
  expect(printed).toMatch(/^ +line 4: m$/m);
  expect(printed).toMatch(/^2 of 3 evaluations passed in 2 files$/m);
});

it("answers in JSON, and 0 when all is well", async () => {
  const file = write("a.test", GOOD);
  expect(await promqltest.run([file, "-o", "json"])).toBe(0);
  expect(JSON.parse(printed)).toEqual({
    passed: 1,
    total: 1,
    files: [{ file, passed: 1, total: 1, failures: [] }],
  });
});

it("a file that is no script fails with its line, the others run", async () => {
  const file = write("a.test", "evil instant at 0 m\n");
  write("b.test", GOOD);
  expect(await promqltest.run([folder])).toBe(1);
  expect(printed).toContain(`FAILED ${file}`);
  expect(printed).toMatch(/1 of 1 evaluations passed in 2 files/);
});

it("names what is missing", async () => {
  await expect(promqltest.run([])).rejects.toThrow("no test file is named");
  await expect(promqltest.run([join(folder, "none.test")])).rejects.toThrow("there is no");
  await expect(promqltest.run([folder])).rejects.toThrow("there is no *.test in");
});
