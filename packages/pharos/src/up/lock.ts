/** One `pharos up` per directory: two would write the same files. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@pharos/model";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

export function lockDirectory(dir: string): Disposable {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "pharos.lock");
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const pid = Number(readFileSync(path, "utf8"));
      // A lock whose process is gone was left by a crash. Our own pid there is a container's, restarted.
      if (pid > 0 && pid !== process.pid && isAlive(pid)) {
        throw new UserError("pharos.locked", `${dir} is in use by process ${pid}`, {
          fix: "Stop it, or give another --dir",
        });
      }
      rmSync(path, { force: true });
    }
  }
  throw new UserError("pharos.locked", `cannot lock ${dir}`);
}
