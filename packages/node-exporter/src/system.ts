/**
 * Node's own modules as the exporter takes them: an `import` of one gives all of its functions names, and makes Node load
 * what stands behind the rarest of them. That is 4 MB for node:fs, 2 MB for node:util, and for node:http, with a whole
 * WebSocket client, 9 MB.
 */
const fs = process.getBuiltinModule("node:fs");
const util = process.getBuiltinModule("node:util");

export const { close, closeSync, existsSync, glob, open, openSync, read, readdir, readFile, stat, statfs } = fs;
export const { readdirSync, readFileSync, readlinkSync, readSync, realpathSync, statSync } = fs;
export const { getSystemErrorName } = util;
export const { machine, networkInterfaces } = process.getBuiltinModule("node:os");
export const { dlopen, getInt32, getRawPointer } = process.getBuiltinModule("node:ffi");

/** Last part of a path. */
export function basename(path: string): string {
  const text = path.endsWith("/") ? path.slice(0, -1) : path;
  return text.slice(text.lastIndexOf("/") + 1);
}

/** A path without its last part. */
export function dirname(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 1));
}
