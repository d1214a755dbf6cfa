/**
 * Readings through NVIDIA's library, in a process of its own: a call that hangs on a lost device cannot be taken back, but
 * its process can be given up. It is started again after a pause, which grows as long as nothing works.
 */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Logger } from "@pharos/kit";
import { ReadError, type Reading, type Source } from "../reading.ts";
import type { Answer } from "./child.ts";

export interface NvmlSourceOptions {
  library: string;
  /** A reading that takes longer is given up, in milliseconds. */
  timeoutMs: number;
  log: Logger;
}

const CHILD = join(import.meta.dirname, "child.ts");
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** Reasons that are the process's own end; others are answers it gave. */
const ENDED = new Set(["timeout", "died"]);

export class NvmlSource implements Source {
  readonly #options: NvmlSourceOptions;
  #child: ChildProcess | undefined;
  #reading: Promise<Reading> | undefined;
  #pause = MIN_PAUSE_MS;
  /** No new process before this time, and why. */
  #until = 0;
  #why = new ReadError("starting", "not started yet");
  /** Given up, but still held by the driver. */
  readonly #stuck = new Set<ChildProcess>();
  restarts = 0;

  constructor(options: NvmlSourceOptions) {
    this.#options = options;
  }

  /** Several callers at once share one reading. */
  read(): Promise<Reading> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<Reading> {
    if (this.#stuck.size > 0) throw new ReadError("stuck", "a process that was given up still hangs in the driver");
    if (performance.now() < this.#until) throw this.#why;
    try {
      const reading = await this.#ask();
      this.#pause = MIN_PAUSE_MS;
      return reading;
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      this.#giveUp(error);
      throw error;
    }
  }

  /** The next process starts from nothing: what the driver refused once may be well later. */
  #giveUp(error: ReadError): void {
    const child = this.#child;
    this.#child = undefined;
    this.#why = error;
    this.#until = performance.now() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, MAX_PAUSE_MS);
    this.#options.log.warn("no reading of the GPUs", { reason: error.reason, err: error.message });
    if (ENDED.has(error.reason)) this.restarts++;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;

    this.#stuck.add(child);
    child.once("exit", () => this.#stuck.delete(child));
    child.kill("SIGKILL");
  }

  #ask(): Promise<Reading> {
    const { library, timeoutMs } = this.#options;
    this.#child ??= this.#start();
    const child = this.#child;
    const { promise, resolve, reject } = Promise.withResolvers<Reading>();
    const timer = setTimeout(
      () => reject(new ReadError("timeout", `the driver does not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onMessage = (answer: Answer): void => {
      if ("reading" in answer) resolve(answer.reading);
      else reject(new ReadError(answer.reason, answer.message));
    };
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
      reject(new ReadError("died", `the process that reads the GPUs ended with ${signal ?? `code ${code}`}`));
    child.once("message", onMessage).once("exit", onExit);
    child.send(library, (error) => error && reject(new ReadError("died", error.message)));
    return promise.finally(() => {
      clearTimeout(timer);
      child.off("message", onMessage).off("exit", onExit);
    });
  }

  #start(): ChildProcess {
    const child = fork(CHILD, {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: ["--disable-warning=ExperimentalWarning"],
      serialization: "advanced",
    });
    // Neither the process nor its channel keeps this one alive.
    child.unref();
    child.channel?.unref();
    child.on("error", () => {});
    // One that ended while nobody asked is replaced at the next reading.
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
