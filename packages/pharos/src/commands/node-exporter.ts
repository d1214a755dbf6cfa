import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit/flags";
import {
  createNodeExporter,
  loadEverything,
  NODE_EXPORTER_VERSION,
  nodeExporterFlags,
  nodeExporterOptions,
} from "@pharos/node-exporter";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";

const FLAGS: FlagSpecs = {
  ...nodeExporterFlags,
  ...LOG_FLAGS,
  version: { type: "boolean", default: "false", help: "Show application version." },
  "load-everything": { type: "boolean", default: "false", help: "Load all modules and end.", hidden: true },
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
    if (values["load-everything"]) {
      await loadEverything();
      return 0;
    }
    const log = loggerFrom({ "log.level": String(values["log.level"]), "log.format": String(values["log.format"]) });
    const stopRequested = interrupted();
    await using exporter = await createNodeExporter({ ...(await nodeExporterOptions(values)), log });
    log.info("Node exporter is ready", { address: exporter.url });
    await stopRequested;
    return 0;
  },
};
