/** Alertmanager's own test tables. The scenarios that take real time are in `alertmanager-acceptance.ts`. */
import { config } from "./alertmanager/config.ts";
import { dispatch } from "./alertmanager/dispatch.ts";
import { inhibit } from "./alertmanager/inhibit.ts";
import { matchers } from "./alertmanager/matchers.ts";
import { routes } from "./alertmanager/routes.ts";
import { silences } from "./alertmanager/silences.ts";
import { timeIntervals } from "./alertmanager/time-intervals.ts";
import type { Suite } from "./suite.ts";

export const suites: Suite[] = [matchers, config, routes, inhibit, timeIntervals, silences, dispatch];
