/** Readings through the program nvidia-smi, where the library cannot be loaded: a process for each. */
import { type ChildProcess, spawn } from "node:child_process";
import { ReadError, type Reading, type Source } from "../reading.ts";
import { parseReport } from "./report.ts";

export interface SmiSourceOptions {
  /** Program, found by the search path. */
  command: string;
  /** Milliseconds. */
  timeoutMs: number;
}

/** A report of 16 devices is below 1 MB. */
const MAX_OUTPUT = 16 * 2 ** 20;
/** What nvidia-smi ends with, from its manual. */
const EXIT_REASONS: Readonly<Record<number, string>> = {
  3: "not_supported",
  4: "no_permission",
  6: "not_found",
  8: "insufficient_power",
  9: "driver_not_loaded",
  10: "irq_issue",
  12: "library_not_found",
  13: "function_not_found",
  14: "corrupted_inforom",
  15: "gpu_is_lost",
};

export class SmiSource implements Source {
  readonly #options: SmiSourceOptions;
  #reading: Promise<Reading> | undefined;
  #running: ChildProcess | undefined;
  restarts = 0;

  constructor(options: SmiSourceOptions) {
    this.#options = options;
  }

  read(): Promise<Reading> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<Reading> {
    if (this.#running) throw new ReadError("stuck", "an nvidia-smi that was given up still hangs in the driver");
    return parseReport(await this.#run());
  }

  #run(): Promise<string> {
    const { command, timeoutMs } = this.#options;
    const child = spawn(command, ["-q", "-x"], { stdio: ["ignore", "pipe", "ignore"] });
    this.#running = child;
    child.unref();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const chunks: Buffer[] = [];
    let size = 0;
    const giveUp = (error: ReadError): void => {
      this.restarts++;
      child.kill("SIGKILL");
      reject(error);
    };
    const timer = setTimeout(
      () => giveUp(new ReadError("timeout", `nvidia-smi does not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) giveUp(new ReadError("unreadable", "nvidia-smi printed too much"));
      else chunks.push(chunk);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      this.#running = undefined;
      const missing = error.code === "ENOENT";
      reject(new ReadError(missing ? "library_missing" : "died", missing ? `there is no ${command}` : error.message));
    });
    child.on("close", (code, signal) => {
      this.#running = undefined;
      const text = Buffer.concat(chunks).toString("utf8");
      // A lost device makes it end with an error, and report the others all the same.
      if (code === 0 || text.includes("</nvidia_smi_log>")) resolve(text);
      else
        reject(new ReadError(EXIT_REASONS[code ?? -1] ?? "died", `nvidia-smi ended with ${signal ?? `code ${code}`}`));
    });
    return promise.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running?.kill("SIGKILL");
  }
}
