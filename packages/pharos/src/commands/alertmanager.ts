import { setFlagsFromString } from "node:v8";
import { alertmanagerFlags, alertmanagerOptions, createAlertmanager } from "@pharos/alertmanager";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

/**
 * How much the heap may grow over what was in use before garbage is collected. Alerts are sent again every minute, and V8 would let
 * what they were a minute ago take more room than those there are.
 */
const HEAP_GROWTH_PERCENT = 50;

const FLAGS = { ...alertmanagerFlags, ...LOG_FLAGS } as const satisfies FlagSpecs;

export const alertmanager: Command = {
  name: "alertmanager",
  summary: "Run an Alertmanager.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
    const { values } = parseFlags(FLAGS, argv);
    const log = loggerFrom(values);
    const stopRequested = interrupted();
    await using server = await createAlertmanager({ ...alertmanagerOptions(values), log });
    process.on("SIGHUP", () => void server.reload().catch(() => {}));
    log.info("Listening on", { address: server.url });
    await stopRequested;
    return 0;
  },
};
