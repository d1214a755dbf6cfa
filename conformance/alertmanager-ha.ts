/** Three replicas under kill -9. `PHAROS_KILLS=200` is the long form. */
import { type Meeting, runHa } from "./alertmanager/ha.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const SHORT_KILLS = 6;

const run = (meeting: Meeting): Promise<SuiteResult> =>
  runHa(Number(process.env.PHAROS_KILLS ?? SHORT_KILLS), Number(process.env.PHAROS_SEED ?? 1), meeting);

export const suites: Suite[] = [
  { name: "alertmanager-ha-peers", data: "alertmanager", run: () => run("peers") },
  { name: "alertmanager-ha-kubernetes", data: "alertmanager", run: () => run("kubernetes") },
];
