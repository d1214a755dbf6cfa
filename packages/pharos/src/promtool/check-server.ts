/** `check healthy` and `check ready`. */
import type { FlagSpecs } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { HTTP_FLAGS, ServerApi } from "./api.ts";
import { SUCCESS } from "./exit.ts";

const TIMEOUT_MS = 10_000;

const FLAGS = {
  ...HTTP_FLAGS,
  url: { type: "string", default: "http://localhost:9090", help: "The URL for the Prometheus server." },
} as const satisfies FlagSpecs;

function statusCheck(name: "healthy" | "ready"): Subcommand {
  return {
    path: `check ${name}`,
    summary: `Check if the Prometheus server is ${name}.`,
    usage: "",
    args: { min: 0, max: 0 },
    flags: FLAGS,
    async run(invocation) {
      const { url } = valuesOf(FLAGS, invocation.values);
      await using api = new ServerApi({ server: url, values: invocation.values, timeout: TIMEOUT_MS });
      const { status, body } = await api.get(`/-/${name}`);
      if (status !== 200) throw new UserError("pharos.check", `check failed: URL=${api.base}, status=${status}`);
      invocation.warn(`  SUCCESS:  ${body.toString("utf8")}\n`);
      return SUCCESS;
    },
  };
}

export const serverChecks: readonly Subcommand[] = [statusCheck("healthy"), statusCheck("ready")];
