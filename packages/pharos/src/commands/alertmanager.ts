import { alertmanagerFlags, alertmanagerOptions, createAlertmanager } from "@pharos/alertmanager";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS = { ...alertmanagerFlags, ...LOG_FLAGS } as const satisfies FlagSpecs;

export const alertmanager: Command = {
  name: "alertmanager",
  summary: "Run an Alertmanager.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
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
