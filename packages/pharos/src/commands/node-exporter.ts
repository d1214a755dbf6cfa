import { flushCompileCache } from "node:module";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit/flags";
import {
  createNodeExporter,
  NODE_EXPORTER_VERSION,
  nodeExporterFlags,
  nodeExporterOptions,
} from "@pharos/node-exporter";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS: FlagSpecs = {
  ...nodeExporterFlags,
  ...LOG_FLAGS,
  version: { type: "boolean", default: "false", help: "Show application version." },
};

export const nodeExporter: Command = {
  name: "node-exporter",
  summary: "Run a node exporter.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    if (values.version) {
      process.stdout.write(`node_exporter, version ${NODE_EXPORTER_VERSION} (Pharos)\n`);
      return 0;
    }
    const log = loggerFrom({ "log.level": String(values["log.level"]), "log.format": String(values["log.format"]) });
    const stopRequested = interrupted();
    await using exporter = await createNodeExporter({ ...(await nodeExporterOptions(values)), log });
    log.info("Node exporter is ready", { address: exporter.url });
    // The next start finds the program's modules without their types, and needs a third less memory.
    flushCompileCache();
    await stopRequested;
    return 0;
  },
};
