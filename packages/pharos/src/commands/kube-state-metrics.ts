import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { createKubeStateMetrics, kubeStateMetricsFlags } from "@pharos/kube-state-metrics";
import { VERSION } from "../version.ts";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS = { ...kubeStateMetricsFlags, ...LOG_FLAGS } as const satisfies FlagSpecs;

export const kubeStateMetrics: Command = {
  name: "kube-state-metrics",
  summary: "Run kube-state-metrics.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    const log = loggerFrom(values);
    const stopRequested = interrupted();
    await using server = await createKubeStateMetrics({ flags: values, log, version: VERSION });
    process.on("SIGHUP", () => void server.reload());
    log.info("Listening on", { address: server.url, telemetry: server.telemetryUrl });
    await stopRequested;
    return 0;
  },
};
