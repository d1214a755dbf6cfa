import { expect, test } from "vitest";
import { fuzz, mutate, randomFrom } from "./fuzz.ts";

test("the same seed makes the same changes", () => {
  const text = "MemTotal: 1000 kB\nMemFree: 10 kB\n";
  const changes = (seed: number): string[] => {
    const random = randomFrom(seed);
    return Array.from({ length: 20 }, () => mutate(text, random));
  };
  expect(changes(1)).toEqual(changes(1));
  expect(changes(1)).not.toEqual(changes(2));
});

test.runIf(process.platform === "linux")(
  "mutated content of this machine's files breaks nothing",
  async () => {
    const paths = { procfs: "/proc", sysfs: "/sys", rootfs: "/", udevData: "/run/udev/data" };
    const result = await fuzz(3000, 7, paths);
    expect(result.problems).toEqual([]);
    expect(result.inputs).toBeGreaterThanOrEqual(3000);
    expect(result.failed).toBeGreaterThan(0);
    expect(result.failed).toBeLessThan(result.runs);
  },
  120_000,
);
