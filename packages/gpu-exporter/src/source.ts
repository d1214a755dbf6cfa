/** Chooses how to look: through the library where there is one, else through nvidia-smi. */
import type { Logger } from "@pharos/kit";
import { findNvml } from "./nvml/find.ts";
import { NvmlSource } from "./nvml/source.ts";
import { ReadError, type Reading, type Source } from "./reading.ts";
import { SmiSource } from "./smi/source.ts";

export interface SourceOptions {
  /** Path or name of the library; "": where it usually lies. */
  library: string;
  smiCommand: string;
  source: "auto" | "nvml" | "nvidia-smi";
  timeoutMs: number;
  log: Logger;
}

/** How often a missing driver is looked for again: it may be installed while this runs. */
const SEARCH_MS = 30_000;

/** The library as soon as there is one. */
class AutoSource implements Source {
  readonly #options: SourceOptions;
  readonly #smi: SmiSource;
  #nvml: NvmlSource | undefined;
  #searchAt = 0;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#smi = new SmiSource({ command: options.smiCommand, timeoutMs: options.timeoutMs });
  }

  get restarts(): number {
    return this.#smi.restarts + (this.#nvml?.restarts ?? 0);
  }

  async read(): Promise<Reading> {
    const { log, timeoutMs } = this.#options;
    if (!this.#nvml && performance.now() >= this.#searchAt) {
      this.#searchAt = performance.now() + SEARCH_MS;
      const library = findNvml();
      if (library !== undefined) this.#nvml = new NvmlSource({ library, timeoutMs, log });
    }
    if (!this.#nvml) return this.#smi.read();
    try {
      return await this.#nvml.read();
    } catch (error) {
      // Only where the library itself is not there any more is the program a way out.
      if (!(error instanceof ReadError) || error.reason !== "library_missing") throw error;
      await this.#nvml[Symbol.asyncDispose]();
      this.#nvml = undefined;
      return this.#smi.read();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nvml?.[Symbol.asyncDispose]();
    await this.#smi[Symbol.asyncDispose]();
  }
}

export function createSource(options: SourceOptions): Source {
  const { library, smiCommand, source, timeoutMs, log } = options;
  if (source === "nvidia-smi") return new SmiSource({ command: smiCommand, timeoutMs });
  if (source === "nvml" || library !== "") {
    return new NvmlSource({ library: library === "" ? (findNvml() ?? "libnvidia-ml.so.1") : library, timeoutMs, log });
  }
  return new AutoSource(options);
}
