/**
 * Sizes of mounted file systems. A dead network server leaves statfs hanging for good, and with it a thread of the pool
 * that all file operations of a process share: file systems on a network are asked by a process of their own, which is
 * given up when it does not answer.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { statfs } from "node:fs/promises";

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

/** Answers every path it is sent, in the order in which the file systems answer. */
const HELPER = `
const { statfs } = require("node:fs/promises");
process.on("message", (path) => {
  statfs(path).then(
    (size) => process.send({ path, size }),
    (error) => process.send({ path, code: error.code ?? error.message }),
  );
});
process.on("disconnect", () => process.exit());
`;

type Answer = { path: string; size: FileSystemSize } | { path: string; code: string };

class Helper {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, (answer: Answer) => void>();

  constructor() {
    this.#process = spawn(process.execPath, ["-e", HELPER], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#process.unref();
    this.#process.channel?.unref();
    this.#process.on("message", (answer: Answer) => {
      this.#waiting.get(answer.path)?.(answer);
      this.#waiting.delete(answer.path);
    });
    this.#process.on("error", () => {});
  }

  ask(path: string): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(path, resolve);
    this.#process.send(path, (error) => error && resolve({ path, code: "helper" }));
    return promise;
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}

let helper: Helper | undefined;
/** Mount points that did not answer, and when (ms) they may be asked again. */
const stuck = new Map<string, number>();
/** A stuck mount costs a process each time it is asked. */
const RETRY_MS = 60_000;

async function askHelper(path: string): Promise<FileSystemSize> {
  helper ??= new Helper();
  const answer = await helper.ask(path);
  if ("size" in answer) return answer.size;
  throw Object.assign(new Error(answer.code), { code: answer.code });
}

/** Throws what statfs throws, or "mountpoint timeout". */
export async function sizeOf(
  path: string,
  type: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<FileSystemSize> {
  const again = stuck.get(path);
  if (again !== undefined && again > Date.now()) throw new Error("mountpoint timeout");
  const remote = REMOTE.test(type);
  const answer = remote ? askHelper(path) : statfs(path);
  const { promise: given, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: string): void => {
    stuck.set(path, Date.now() + RETRY_MS);
    if (remote) {
      helper?.stop();
      helper = undefined;
    }
    reject(new Error(reason));
  };
  const timer = setTimeout(() => giveUp("mountpoint timeout"), timeoutMs);
  const onAbort = (): void => giveUp("mountpoint timeout");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const size = await Promise.race([answer, given]);
    stuck.delete(path);
    return size;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    // Whatever comes later is nobody's business any more.
    answer.catch(() => {});
  }
}
