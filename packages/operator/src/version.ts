/**
 * Versions of the programs that read the generated files: a field that an older one does not know is left out and
 * remembered, so that the resource's status can name it.
 */

export const DEFAULT_PROMETHEUS_VERSION = "v3.13.2";
export const DEFAULT_ALERTMANAGER_VERSION = "v0.33.1";
export const DEFAULT_THANOS_VERSION = "v0.42.4";

interface Version {
  numbers: readonly [number, number, number];
  /** Dot-separated identifiers after the dash; empty for a release. */
  prerelease: readonly string[];
}

/** Semantic versions, tolerant as upstream: a `v` before, parts missing at the end, build metadata behind `+`. */
function parse(version: string): Version {
  const [core, ...pre] = version.trim().replace(/^v/, "").split("+")[0].split("-");
  const numbers = core.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const prerelease = pre.join("-");
  return {
    numbers: [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0],
    prerelease: prerelease === "" ? [] : prerelease.split("."),
  };
}

function comparePrerelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] === b[i]) continue;
    const numeric = [/^\d+$/.test(a[i]), /^\d+$/.test(b[i])];
    if (numeric[0] && numeric[1]) return Number(a[i]) - Number(b[i]);
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return a[i] < b[i] ? -1 : 1;
  }
  return a.length - b.length;
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  for (let i = 0; i < 3; i++) if (left.numbers[i] !== right.numbers[i]) return left.numbers[i] - right.numbers[i];
  return comparePrerelease(left.prerelease, right.prerelease);
}

export function atLeast(version: string, minimum: string): boolean {
  return compareVersions(version, minimum) >= 0;
}

/** Whether text is a version at all, as semver's tolerant parser would say. */
export function isVersion(text: string): boolean {
  return /^v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(text.trim());
}

/** Decides field by field what a version understands, and remembers what was left out. */
export class VersionGate {
  readonly version: string;
  /** Names of fields left out because this version does not know them, each with the version it needs. */
  readonly ignored = new Map<string, string>();

  constructor(version: string) {
    this.version = version;
  }

  /** True from `since` on; otherwise `field` is remembered as left out. */
  allows(field: string, since: string): boolean {
    if (atLeast(this.version, since)) return true;
    this.ignored.set(field, `needs version ${since} or newer, this is ${this.version}`);
    return false;
  }

  /** True before `until`; otherwise `field` is remembered as left out. */
  allowsBefore(field: string, until: string): boolean {
    if (!atLeast(this.version, until)) return true;
    this.ignored.set(field, `was removed in version ${until}, this is ${this.version}`);
    return false;
  }

  /** Sets `key` unless the value is absent or the version does not know it. */
  set(out: Record<string, unknown>, key: string, value: unknown, since?: string): void {
    if (value === undefined || value === null) return;
    if (since === undefined || this.allows(key, since)) out[key] = value;
  }

  /** Remembers a field that was left out for another reason than its age. */
  ignore(field: string, reason: string): void {
    this.ignored.set(field, reason);
  }
}
