/** What is mounted, out of /proc/1/mountinfo, which has the device numbers /proc/mounts lacks. */
import { readText } from "./collector.ts";

export interface Mount {
  device: string;
  mountPoint: string;
  type: string;
  options: string;
  superOptions: string;
  major: string;
  minor: string;
}

/** Space, tab, newline and backslash come as `\040` and so on. */
const unescapeOctal = (text: string): string =>
  text.includes("\\")
    ? text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : text;

/**
 * Lines of mountinfo:
 *
 *   id parent major:minor root mount-point options optional… - type device super-options
 *
 * Throws at a line of another form.
 */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const fields = line.split(" ");
    const dash = fields.indexOf("-", 6);
    const numbers = /^(\d+):(\d+)$/.exec(fields[2] ?? "");
    if (dash < 0 || fields.length < dash + 3 || !numbers) {
      throw new Error(`not a line of mountinfo: ${JSON.stringify(line)}`);
    }
    mounts.push({
      major: String(Number(numbers[1])),
      minor: String(Number(numbers[2])),
      mountPoint: unescapeOctal(fields[4]),
      options: fields[5],
      type: fields[dash + 1],
      device: fields[dash + 2],
      superOptions: fields[dash + 3] ?? "",
    });
  }
  return mounts;
}

/** Mounts of the machine: of process 1, or of this one where those of others are hidden. */
export function readMounts(procfs: string): Mount[] {
  let text: string;
  try {
    text = readText(procfs, "1/mountinfo");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    text = readText(procfs, "self/mountinfo");
  }
  return parseMountInfo(text);
}

/** The mount point as a process on the machine itself sees it. */
export function stripRoot(mountPoint: string, rootfs: string): string {
  if (rootfs === "/" || !mountPoint.startsWith(rootfs)) return mountPoint;
  return mountPoint.slice(rootfs.length) || "/";
}
