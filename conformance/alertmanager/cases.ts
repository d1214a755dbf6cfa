/** What the tables share: cases are counted, and a suite reads its folder's JSON. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Suite, SuiteResult } from "../suite.ts";

/** Counts cases; a case says what is wrong, or throws. */
export class Cases {
  readonly failures: string[] = [];
  total = 0;

  check(label: string, got: unknown, want: unknown): void {
    this.total++;
    const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
    if (a !== b) this.failures.push(`${label}: got ${a}, want ${b}`);
  }

  /** `want` undefined: no error. Otherwise one of the texts must be in the message. */
  error(label: string, run: () => unknown, want: readonly string[] | undefined): void {
    this.total++;
    const message = errorOf(run);
    if (want === undefined ? message !== undefined : !want.some((text) => message?.includes(text)))
      this.failures.push(`${label}: got ${message ?? "no error"}, want ${want?.join(" or ") ?? "no error"}`);
  }

  get result(): SuiteResult {
    return { passed: this.total - this.failures.length, total: this.total, failures: this.failures };
  }
}

export function errorOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export function suite(
  name: string,
  data: string,
  run: (cases: Cases, read: <T>(file: string) => T, path: string) => void,
): Suite {
  return {
    name,
    data: `alertmanager/${data}`,
    run(path) {
      const cases = new Cases();
      run(cases, (file) => JSON.parse(readFileSync(join(path, file), "utf8")), path);
      return cases.result;
    },
  };
}
