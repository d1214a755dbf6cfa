/** Files that a command line names. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describeError, UserError } from "@pharos/model";

/** Larger ones are no configuration. */
const MAX_BYTES = 512 * 2 ** 20;

export function readTextFile(file: string): string {
  try {
    if (statSync(file).size > MAX_BYTES) throw new UserError("pharos.file", `${file} is larger than 512 MiB`);
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError("pharos.file", `cannot read ${file}: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
}

export function writeTextFile(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UserError("pharos.file", `cannot write ${file}: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
}

/** Throws a UserError for the first that is missing, in promtool's words. */
export function requireFiles(files: readonly string[]): void {
  for (const file of files) {
    if (!existsSync(file)) {
      throw new UserError("pharos.file", `path '${file}' does not exist`, { fix: "Name a file that is there" });
    }
    if (statSync(file).isDirectory()) {
      throw new UserError("pharos.file", `'${file}' is a directory`, { fix: "Name a file" });
    }
  }
}
