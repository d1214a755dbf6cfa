/** The short form; `npm run long:fuzz-alertmanager` is the long one. */
import { expect, test } from "vitest";
import { fuzz } from "./targets.ts";

test.each([
  ["templates", 1500],
  ["configs", 1500],
  ["matchers", 9000],
  ["recurrences", 2000],
  ["api", 800],
])(
  "%s are taken or refused with a reason",
  async (name, count) => {
    expect(await fuzz(name, count, 1)).toEqual({ tried: count, findings: [] });
  },
  60_000,
);
