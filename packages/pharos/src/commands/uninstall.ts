import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { uninstall as remove } from "../install/uninstall.ts";
import { CLUSTER_FLAGS, clusterOf } from "./cluster-flags.ts";
import type { Command } from "./command.ts";

const FLAGS = {
  ...CLUSTER_FLAGS,
  namespace: { type: "string", default: "monitoring", help: "Namespace of the installation." },
  "delete-data": { type: "boolean", help: "Delete volumes too: samples, silences, saved dashboards." },
  "delete-crds": {
    type: "boolean",
    help: "Delete the definitions too, and with them every monitor, rule and instance in the whole cluster.",
  },
} as const satisfies FlagSpecs;

export const uninstall: Command = {
  name: "uninstall",
  summary: "Take an installation out of a cluster; data and definitions stay unless told otherwise.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    await using client = clusterOf(values);
    await remove(client, {
      namespace: values.namespace,
      data: values["delete-data"],
      crds: values["delete-crds"],
      tell: (line) => process.stdout.write(`${line}\n`),
    });
    return 0;
  },
};
