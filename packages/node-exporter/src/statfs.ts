/**
 * Sizes of mounted file systems. A dead server or disk leaves statfs hanging for good. File systems with a machine or
 * program at their other end are asked by a process of their own with room for many hung calls; others in the pool.
 */
import type { ChildProcess } from "node:child_process";
import { inPool } from "./device-file.ts";
import { statfs } from "./system.ts";

export interface FileSystemSize {
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
}

/** What may hang: the other end is another machine, or another program. */
const REMOTE = /^(nfs\d*|cifs|smb3|9p|afs|ceph|glusterfs|lustre|ncpfs|fuse(\..*)?|fuseblk|virtiofs)$/;
/** Calls of the helper that may hang at once; a thread each, of which nothing is used before. */
const HELPER_THREADS = "128";

/** Answers every path it is sent, in the order in which the file systems answer. */
const HELPER = `
const { statfs } = require("node:fs");
process.on("message", (path) => {
  statfs(path, (error, size) => process.send(error ? { path, code: error.code ?? error.message } : { path, size }));
});
process.on("disconnect", () => process.exit());
`;

type Answer = { path: string; size: FileSystemSize } | { path: string; code: string };

const failure = (code: string): Error => Object.assign(new Error(code), { code });

class Helper {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  alive = true;

  constructor() {
    const { spawn } = process.getBuiltinModule("node:child_process");
    this.#process = spawn(process.execPath, ["-e", HELPER], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env: { ...process.env, UV_THREADPOOL_SIZE: HELPER_THREADS },
    });
    this.#process.unref();
    this.#process.channel?.unref();
    this.#process.on("message", (answer: Answer) => this.#settle(answer));
    this.#process.on("error", () => this.#end());
    this.#process.on("exit", () => this.#end());
  }

  ask(path: string): Promise<FileSystemSize> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(path, (answer) => ("size" in answer ? resolve(answer.size) : reject(failure(answer.code))));
      this.#process.send(path, (error) => error && this.#settle({ path, code: "EPIPE" }));
    });
  }

  #settle(answer: Answer): void {
    this.#waiting.get(answer.path)?.(answer);
    this.#waiting.delete(answer.path);
  }

  #end(): void {
    this.alive = false;
    for (const path of [...this.#waiting.keys()]) this.#settle({ path, code: "EPIPE" });
  }
}

let helper: Helper | undefined;

function askHelper(path: string): Promise<FileSystemSize> {
  if (!helper?.alive) helper = new Helper();
  return helper.ask(path);
}

/** Mount points that were asked and have not answered yet. */
const asked = new Map<string, Promise<FileSystemSize>>();
/** Those of them that nobody waits for any more: they are not asked again before they have answered. */
const stuck = new Set<string>();

function ask(path: string, type: string): Promise<FileSystemSize> {
  const known = asked.get(path);
  if (known) return known;
  const answer = REMOTE.test(type) ? askHelper(path) : inPool<FileSystemSize>((done) => statfs(path, done));
  asked.set(path, answer);
  const forget = (): void => {
    asked.delete(path);
    stuck.delete(path);
  };
  answer.then(forget, forget);
  return answer;
}

/** Throws what statfs throws, or "mountpoint timeout". */
export async function sizeOf(
  path: string,
  type: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<FileSystemSize> {
  if (stuck.has(path)) throw new Error("mountpoint timeout");
  const answer = ask(path, type);
  const { promise: given, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    stuck.add(path);
    reject(new Error("mountpoint timeout"));
  };
  const timer = setTimeout(giveUp, timeoutMs);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([answer, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}
