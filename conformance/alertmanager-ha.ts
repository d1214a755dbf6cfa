/** Three replicas under kill -9. `PHAROS_KILLS=200` is the long form. */
import { runHa } from "./alertmanager/ha.ts";
import type { Suite } from "./suite.ts";

const SHORT_KILLS = 6;

export const suites: Suite[] = [
  {
    name: "alertmanager-ha",
    data: "alertmanager",
    run: () => runHa(Number(process.env.PHAROS_KILLS ?? SHORT_KILLS), Number(process.env.PHAROS_SEED ?? 1)),
  },
];
