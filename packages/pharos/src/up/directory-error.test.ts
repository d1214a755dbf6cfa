import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import { expect, test } from "vitest";
import { directoryError } from "./directory-error.ts";

test("a path that leads through a file is named with what to do", () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-directory-"));
  try {
    writeFileSync(join(dir, "file"), "");
    const path = join(dir, "file", "data");
    let thrown: unknown;
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      thrown = error;
    }
    const shown = directoryError(path, thrown) as UserError;
    expect(shown).toBeInstanceOf(UserError);
    expect(shown.describe()).toMatch(/^cannot use .*file\/data: ENOTDIR.*give another --dir$/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("a full disk is the user's, a bug and an error that has words already are not touched", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  expect((directoryError("/d", full) as UserError).describe()).toBe(
    "cannot use /d: ENOSPC: no space left on device, write. Free some space there, or give another --dir",
  );
  for (const other of [new TypeError("x is not a function"), new UserError("a.b", "words")])
    expect(directoryError("/d", other)).toBe(other);
});
