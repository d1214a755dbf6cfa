import { flushCompileCache } from "node:module";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit/flags";
import { createNodeExporter, nodeExporterFlags, nodeExporterOptions } from "@pharos/node-exporter";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS = { ...nodeExporterFlags, ...LOG_FLAGS } as const satisfies FlagSpecs;

export const nodeExporter: Command = {
  name: "node-exporter",
  summary: "Run a node exporter.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    const log = loggerFrom(values);
    const stopRequested = interrupted();
    await using exporter = await createNodeExporter({ ...(await nodeExporterOptions(values)), log });
    log.info("Node exporter is ready", { address: exporter.url });
    // The next start finds the program's modules without their types, and needs a third less memory.
    flushCompileCache();
    await stopRequested;
    return 0;
  },
};
