import { describe, expect, it } from "vitest";
import { giveBuffer, takeBuffer } from "./body-pool.ts";

describe("the pool of bodies", () => {
  it("hands a buffer out again", () => {
    const buffer = takeBuffer(100_000);
    giveBuffer(buffer);
    expect(takeBuffer(100_000)).toBe(buffer);
  });

  it("lets small buffers go for large ones, so that large bodies find memory however many small ones came before", () => {
    const small = Array.from({ length: 20 }, () => takeBuffer(1));
    for (const buffer of small) giveBuffer(buffer);
    const large = takeBuffer(1_000_000);
    giveBuffer(large);
    expect(takeBuffer(1_000_000)).toBe(large);
  });
});
