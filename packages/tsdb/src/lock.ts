/**
 * One process a directory: an advisory lock on the file `lock`, the one a running Prometheus holds as well, so that neither
 * opens what the other has open. The system releases it when the process ends, however that happens.
 */

import { dlopen } from "node:ffi";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@pharos/model";

const EXCLUSIVE = 2;
const DO_NOT_WAIT = 4;

/** Throws a UserError when another process has the directory. Where the system has no flock(2) nothing is locked. */
export function lockDirectory(dir: string): Disposable {
  const path = join(dir, "lock");
  const fd = openSync(path, "a");
  if (process.platform !== "win32") {
    using libc = dlopen(null, { flock: { arguments: ["i32", "i32"], return: "i32" } });
    if (libc.functions.flock(fd, EXCLUSIVE | DO_NOT_WAIT) !== 0) {
      closeSync(fd);
      throw new UserError("tsdb.locked", "another process has this data directory open", {
        where: { file: path },
        fix: "Stop the Prometheus or Pharos that uses it, or give this one a directory of its own",
      });
    }
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
