/** `scrape_failure_log_file`: one JSON line for each failed scrape. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { createLogger, type Logger } from "@pharos/kit";

export class FailureLogs implements Disposable {
  readonly #files = new Map<string, { fd: number; log: Logger }>();

  /** The log at this path, opened when first asked for. Throws when it cannot be opened. */
  open(path: string): Logger {
    let entry = this.#files.get(path);
    if (!entry) {
      mkdirSync(dirname(path), { recursive: true });
      const fd = openSync(path, "a", 0o640);
      entry = { fd, log: createLogger({ format: "json", write: (line) => writeSync(fd, line) }) };
      this.#files.set(path, entry);
    }
    return entry.log;
  }

  /** Closes the logs nobody names any more. */
  keep(paths: ReadonlySet<string>): void {
    for (const [path, { fd }] of this.#files) {
      if (paths.has(path)) continue;
      closeSync(fd);
      this.#files.delete(path);
    }
  }

  [Symbol.dispose](): void {
    this.keep(new Set());
  }
}
