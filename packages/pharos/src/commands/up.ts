import { resolve } from "node:path";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { directoryError } from "../up/directory-error.ts";
import { addressTable } from "../up/urls.ts";
import { startWorld } from "../up/world.ts";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS = {
  dir: { type: "string", default: "./pharos-data", help: "Where resources, generated configuration and data live." },
  listen: { type: "string", default: "127.0.0.1", help: "Address every component listens on." },
  "port-offset": {
    type: "number",
    default: "0",
    help: "Added to every standard port (9090, 9093, 9100, 8080, 8081, 9445, 3000, 8001).",
  },
  mesh: {
    type: "boolean",
    help: "In a new directory: also a Prometheus for Istio's proxies, whose sums the main one federates.",
  },
  ...LOG_FLAGS,
  "log.level": { ...LOG_FLAGS["log.level"], default: "warn" },
} as const satisfies FlagSpecs;

export const up: Command = {
  name: "up",
  summary:
    "Run the whole monitoring flow on this machine: API server, operator, Prometheus, Alertmanager, exporters, UI.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values, positionals } = parseFlags(FLAGS, argv);
    if (positionals.length > 0) {
      throw new UserError("pharos.argument", `unexpected argument ${JSON.stringify(positionals[0])}`, {
        fix: "See pharos up --help",
      });
    }
    const stopRequested = interrupted();
    const offset = values["port-offset"];
    const started = performance.now();
    await using world = await startWorld({
      dir: resolve(values.dir),
      host: values.listen,
      ports: {
        api: 8001 + offset,
        prometheus: 9090 + offset,
        alertmanager: 9093 + offset,
        node: 9100 + offset,
        kubeStateMetrics: 8080 + offset,
        kubeStateMetricsTelemetry: 8081 + offset,
        gpu: 9445 + offset,
        ui: 3000 + offset,
      },
      mesh: values.mesh,
      log: loggerFrom(values),
    }).catch((error) => {
      throw directoryError(resolve(values.dir), error);
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`\nPharos runs (started in ${seconds} s, data in ${world.dir}).\n\n${addressTable(world.addresses)}\n`);
    console.log(`  kubectl --server ${world.apiUrl} get servicemonitors -A\n\nCtrl-C ends everything.`);
    await stopRequested;
    console.log("\nStopping …");
    return 0;
  },
};
