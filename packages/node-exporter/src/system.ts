/**
 * Node's own modules as the exporter takes them: an `import` of one gives all of its functions names, and makes Node load
 * what stands behind the rarest of them (for node:http a whole WebSocket client): 20 MB of memory, a third of the exporter.
 */
const fs = process.getBuiltinModule("node:fs");
const util = process.getBuiltinModule("node:util");

export const { close, closeSync, existsSync, globSync, openSync, read, readdir, readFile, stat, statfs } = fs;
export const { readdirSync, readFileSync, readlinkSync, readSync, realpathSync, statSync } = fs;
export const { getSystemErrorName } = util;

/** Last part of a path. */
export function basename(path: string): string {
  const text = path.endsWith("/") ? path.slice(0, -1) : path;
  return text.slice(text.lastIndexOf("/") + 1);
}

/** A path without its last part. */
export function dirname(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 1));
}
