import { describeFlags, type FlagSpecs } from "@pharos/kit";
import { PLAN_FLAGS, readPlan } from "../install/plan.ts";
import { preflight as look } from "../install/preflight.ts";
import { CLUSTER_FLAGS, clusterOf } from "./cluster-flags.ts";
import type { Command } from "./command.ts";

const FLAGS = {
  ...PLAN_FLAGS,
  ...CLUSTER_FLAGS,
  output: { type: "string", short: "o", default: "text", choices: ["text", "json"], help: "Form of the findings." },
} as const satisfies FlagSpecs;

export const preflight: Command = {
  name: "preflight",
  summary: "Look whether an installation would work in a cluster; changes nothing.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { flags, values } = readPlan(FLAGS, argv, { imageOptional: true });
    await using client = clusterOf(flags);
    const findings = await look(client, values);
    if (flags.output === "json") {
      process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
    } else {
      for (const { level, check, message, fix } of findings) {
        process.stdout.write(`${level.padEnd(8)}${check.padEnd(14)}${message}${fix ? `. ${fix}` : ""}\n`);
      }
    }
    return findings.some(({ level }) => level === "error") ? 1 : 0;
  },
};
