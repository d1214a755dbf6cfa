import { PROMETHEUS_VERSION, VERSION } from "../version.ts";
import type { Command } from "./command.ts";

export const version: Command = {
  name: "version",
  summary: "Print the version.",
  help: () => "",
  run: async () => {
    console.log(`pharos ${VERSION} (behaves as Prometheus ${PROMETHEUS_VERSION}), Node ${process.version}`);
    return 0;
  },
};
