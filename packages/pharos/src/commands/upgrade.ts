import { describeFlags, type FlagSpecs } from "@pharos/kit";
import { PLAN_FLAGS, readPlan } from "../install/plan.ts";
import { upgrade as bring } from "../install/upgrade.ts";
import { CLUSTER_FLAGS, clusterOf } from "./cluster-flags.ts";
import type { Command } from "./command.ts";

const FLAGS = {
  ...PLAN_FLAGS,
  ...CLUSTER_FLAGS,
  crds: {
    type: "boolean",
    default: "true",
    help: "With the definitions of the resources; --no-crds leaves them as they are.",
  },
} as const satisfies FlagSpecs;

export const upgrade: Command = {
  name: "upgrade",
  summary: "Install into a cluster, or bring its installation to this version and these values, definitions included.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { flags, values } = readPlan(FLAGS, argv);
    await using client = clusterOf(flags);
    await bring(client, values, { crds: flags.crds, tell: (line) => process.stdout.write(`${line}\n`) });
    return 0;
  },
};
