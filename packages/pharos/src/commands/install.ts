import { describeFlags, type FlagSpecs } from "@pharos/kit";
import { stringify } from "yaml";
import { crdTexts, installObjects } from "../install/objects.ts";
import { PLAN_FLAGS, readPlan } from "../install/plan.ts";
import { describeValues } from "../install/values.ts";
import type { Command } from "./command.ts";

const FLAGS = {
  ...PLAN_FLAGS,
  crds: { type: "boolean", default: "true", help: "With the definitions of the resources; --no-crds leaves them out." },
} as const satisfies FlagSpecs;

export const install: Command = {
  name: "install",
  summary: "Write the manifests of a cluster's installation: pharos install … | kubectl apply --server-side -f -",
  help: () => `${describeFlags(FLAGS)}\n\nValues for --set and values files:\n\n${describeValues()}`,
  async run(argv) {
    const { flags, values } = readPlan(FLAGS, argv);
    // A reader that has seen enough, such as head, is no error.
    process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
    if (flags.crds) for (const text of crdTexts()) process.stdout.write(`---\n${text}`);
    for (const object of installObjects(values)) {
      process.stdout.write(`---\n${stringify(object, { aliasDuplicateObjects: false })}`);
    }
    return 0;
  },
};
