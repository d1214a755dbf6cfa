import { resolve } from "node:path";
import { describeFlags, type FlagSpecs, type Logger, parseFlags } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import {
  agentOptions,
  checkConfigFile,
  checkMode,
  createAgent,
  createPrometheus,
  type Features,
  prometheusFlags,
  prometheusOptions,
  readFeatures,
  shownFlags,
} from "@pharos/prometheus";
import { PROMETHEUS_VERSION } from "../version.ts";
import { type Command, interrupted, LOG_FLAGS, loggerFrom } from "./command.ts";
import { version } from "./version.ts";

const FLAGS = { ...prometheusFlags, ...LOG_FLAGS } as const satisfies FlagSpecs;

/** As Prometheus': flags that cannot be read, flags of the other mode. */
const EXIT_FLAGS = 2;
const EXIT_MODE = 3;
/** A configuration that does not load. */
const EXIT_CONFIG = 2;

/** False, and told in the log, when the configuration or a rule file is no good: no server is started on it. */
function configurationLoads(file: string, features: Features, log: Logger): boolean {
  try {
    checkConfigFile(file, features);
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.error(`Error loading config (--config.file=${file})`, { file: resolve(file), err: error });
    return false;
  }
}

function readFlags(argv: readonly string[]) {
  const { values, positionals } = parseFlags(FLAGS, argv);
  if (positionals.length > 0) throw new UserError("kit.flag", `unexpected ${positionals[0]}`, { fix: "See --help" });
  return values;
}

export const prometheus: Command = {
  name: "prometheus",
  summary: "Run a Prometheus server.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    if (argv.includes("--version")) return version.run([]);
    let values: ReturnType<typeof readFlags>;
    try {
      values = readFlags(argv);
    } catch (error) {
      process.stderr.write(`Error parsing command line arguments: ${describeError(error)}\n`);
      return EXIT_FLAGS;
    }
    try {
      checkMode(argv, values.agent);
    } catch (error) {
      process.stderr.write(`${describeError(error)}\n`);
      return EXIT_MODE;
    }
    const log = loggerFrom(values);
    const features = readFeatures(values["enable-feature"], log);
    if (!values.agent && !configurationLoads(values["config.file"], features, log)) return EXIT_CONFIG;
    let quit: () => void = () => {};
    const quitRequested = new Promise<void>((resolve) => (quit = resolve));
    const stopRequested = interrupted();
    const common = {
      flags: { ...shownFlags(values), "log.level": values["log.level"], "log.format": values["log.format"] },
      log,
      version: PROMETHEUS_VERSION,
      onQuit: quit,
    };
    await using server = values.agent
      ? await createAgent({ ...agentOptions(values, features), ...common })
      : await createPrometheus({ ...prometheusOptions(values, features), ...common });
    // A failed reload is logged by the server and changes nothing.
    process.on("SIGHUP", () => void server.reload().catch(() => {}));
    await Promise.race([stopRequested, quitRequested]);
    log.info("See you next time!");
    return 0;
  },
};
