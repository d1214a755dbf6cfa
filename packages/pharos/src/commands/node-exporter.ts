import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { createNodeExporter, nodeExporterFlags, nodeExporterOptions } from "@pharos/node-exporter";
import { type Command, interrupted, LOG_FLAGS, loggerFrom, splitAddress } from "./command.ts";

const FLAGS = {
  "web.listen-address": { type: "string", default: "0.0.0.0:9100", help: "Address on which to expose metrics." },
  ...nodeExporterFlags,
  ...LOG_FLAGS,
} as const satisfies FlagSpecs;

export const nodeExporter: Command = {
  name: "node-exporter",
  summary: "Run a node exporter.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    const listen = splitAddress(values["web.listen-address"]);
    if (!listen) {
      throw new UserError("pharos.flag", `not an address: ${JSON.stringify(values["web.listen-address"])}`, {
        where: { flag: "--web.listen-address" },
      });
    }
    const log = loggerFrom(values);
    const stopRequested = interrupted();
    await using exporter = await createNodeExporter({ ...nodeExporterOptions(values), ...listen, log });
    log.info("Listening on", { address: exporter.url });
    await stopRequested;
    return 0;
  },
};
