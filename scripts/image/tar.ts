/**
 * Archives whose bytes depend on nothing but what is in them: no times, no owners, an order of its own.
 *
 *   ustar header, 512 bytes: name 100 · mode 8 · uid 8 · gid 8 · size 12 · mtime 12 · checksum 8 · type 1 · link 100 ·
 *   "ustar\0" "00" · … · prefix 155; then the contents, filled up to 512; two empty blocks at the end
 */
import { readFileSync } from "node:fs";
import type { Entry } from "./root.ts";

const BLOCK = 512;

/** Name and prefix of a path; undefined where ustar has no room for it. */
function splitName(path: string): { name: string; prefix: string } | undefined {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  for (let mark = path.indexOf("/"); mark >= 0; mark = path.indexOf("/", mark + 1)) {
    const prefix = path.slice(0, mark);
    const name = path.slice(mark + 1);
    if (name !== "" && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { name, prefix };
  }
  return undefined;
}

function header(path: string, mode: number, size: number, type: string, link = ""): Buffer {
  const place = splitName(path);
  if (!place || Buffer.byteLength(link) > 100) throw new Error(`${path} is too long for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  };
  block.write(place.name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.fill(" ", 148, 156);
  block.write(type, 156);
  block.write(link, 157);
  block.write("ustar\0" + "00", 257, "latin1");
  block.write(place.prefix, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

export function tar(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  for (const { path, mode, file, link } of entries) {
    if (link !== undefined) {
      parts.push(header(path, mode, 0, "2", link));
    } else if (!file) {
      parts.push(header(`${path}/`, mode, 0, "5"));
    } else {
      const content = "data" in file ? file.data : "text" in file ? Buffer.from(file.text) : readFileSync(file.from);
      parts.push(header(path, mode, content.length, "0"), content);
      parts.push(Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
    }
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}
