/** `--config.auto-reload`: looks at the configuration and the files it names, and says when their content changed. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { type Logger, parseYaml } from "@pharos/kit";
import { resolvePath } from "./config/global.ts";
import { readGlobs } from "./config/scrape-files.ts";

/** Digest of the configuration file, rule files and scrape configuration files. Throws when it cannot be told. */
export function configDigest(file: string): string {
  const text = readFileSync(file, "utf8");
  const hash = createHash("sha256").update(text);
  const root = parseYaml(text, file).map();
  const globs = [
    ...readGlobs(root.get("rule_files"), "rule file"),
    ...readGlobs(root.get("scrape_config_files"), "scrape config file"),
  ];
  for (const path of globs.flatMap((glob) => globSync(resolvePath(file, glob)).sort())) {
    hash.update(`\0${path}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

export class ConfigWatch implements Disposable {
  readonly #file: string;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #digest: string;

  /** Calls `changed` when the content is another than at the last `taken`. */
  constructor(file: string, intervalMs: number, log: Logger, changed: () => void) {
    this.#file = file;
    this.#log = log;
    this.#digest = this.#read() ?? "";
    this.#timer = setInterval(() => {
      const now = this.#read();
      if (now === undefined || now === this.#digest) return;
      // A bad file is tried once, not at every tick.
      this.#digest = now;
      log.info("Configuration file change detected, reloading the configuration.");
      changed();
    }, intervalMs).unref();
  }

  /** The files as they are now are the running configuration. */
  taken(): void {
    this.#digest = this.#read() ?? this.#digest;
  }

  #read(): string | undefined {
    try {
      return configDigest(this.#file);
    } catch (error) {
      this.#log.error("Failed to generate checksum during configuration reload", { err: error });
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
