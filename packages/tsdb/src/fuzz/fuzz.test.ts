import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { makeTargets } from "./targets.ts";

let made: Awaited<ReturnType<typeof makeTargets>>;
beforeAll(async () => {
  made = await makeTargets();
});
afterAll(() => made.close());

test("damaged input of every kind is refused or read, without a crash, a hang or a flood of memory", () => {
  expect(made.targets.length).toBeGreaterThan(9);
  expect(fuzz(made.targets, 20, 400)).toEqual([]);
});
