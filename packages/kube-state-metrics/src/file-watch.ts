/**
 * Tells when the content of files differs from what was read of them. Contents are compared, not times: a ConfigMap in a
 * volume changes by links, and a file may change between being read and being watched.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** Content by path; undefined where there is no such file. */
export type Contents = ReadonlyMap<string, string | undefined>;

const POLL_MS = 2_000;

/** Contents as they are now. */
export function readContents(paths: readonly string[]): Contents {
  const contents = new Map<string, string | undefined>();
  for (const path of paths) {
    try {
      contents.set(path, readFileSync(path, "utf8"));
    } catch {
      contents.set(path, undefined);
    }
  }
  return contents;
}

export class FileWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;

  /** Calls `onChange` once a change. */
  constructor(contents: Contents, onChange: () => void) {
    let seen = contents;
    let looking = false;
    const look = async (): Promise<void> => {
      const now = new Map<string, string | undefined>();
      for (const path of seen.keys()) now.set(path, await readFile(path, "utf8").catch(() => undefined));
      if ([...now].every(([path, text]) => seen.get(path) === text)) return;
      seen = now;
      onChange();
    };
    this.#timer = setInterval(() => {
      if (looking) return;
      looking = true;
      void look().finally(() => {
        looking = false;
      });
    }, POLL_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
