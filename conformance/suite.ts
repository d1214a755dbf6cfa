/** A peer's own test cases, run as data against Pharos. */
export interface SuiteResult {
  passed: number;
  total: number;
  /** One line per failed case: its name and what differed. */
  failures: string[];
  /** Why nothing was run at all, when a peer's program that the suite compares with is not there. Said loudly, never a pass. */
  notRun?: string;
}

export interface Suite {
  /** As `npm run conformance -- NAME` takes it. */
  name: string;
  /** Folder or file below the conformance data the suite reads; missing data is reported loudly, never passed. */
  data: string;
  run(dataPath: string): Promise<SuiteResult> | SuiteResult;
}
