/** The `pharos` program: finds the command, runs it, turns errors into one line and an exit code. */
import { UserError } from "@pharos/model/error";
import type { Command } from "./commands/command.ts";

/** Each command's modules are loaded when it is asked for: a node exporter needs no database in memory. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import("./commands/up.ts")).up,
  prometheus: async () => (await import("./commands/prometheus.ts")).prometheus,
  operator: async () => (await import("./commands/operator.ts")).operator,
  alertmanager: async () => (await import("./commands/alertmanager.ts")).alertmanager,
  am: async () => (await import("./commands/am.ts")).am,
  "node-exporter": async () => (await import("./commands/node-exporter.ts")).nodeExporter,
  "kube-state-metrics": async () => (await import("./commands/kube-state-metrics.ts")).kubeStateMetrics,
  "gpu-exporter": async () => (await import("./commands/gpu-exporter.ts")).gpuExporter,
  ui: async () => (await import("./commands/ui.ts")).ui,
  install: async () => (await import("./commands/install.ts")).install,
  preflight: async () => (await import("./commands/preflight.ts")).preflight,
  upgrade: async () => (await import("./commands/upgrade.ts")).upgrade,
  uninstall: async () => (await import("./commands/uninstall.ts")).uninstall,
  check: async () => (await import("./commands/promtool.ts")).check,
  test: async () => (await import("./commands/promtool.ts")).test,
  query: async () => (await import("./commands/promtool.ts")).query,
  promql: async () => (await import("./commands/promtool.ts")).promql,
  tsdb: async () => (await import("./commands/promtool.ts")).tsdb,
  promtool: async () => (await import("./commands/promtool.ts")).promtool,
  promqltest: async () => (await import("./commands/promqltest.ts")).promqltest,
  version: async () => (await import("./commands/version.ts")).version,
};

async function help(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`).join("\n");
  return `Pharos: the whole Kubernetes monitoring stack in one program.\n\nUsage: pharos COMMAND [FLAGS]\n\n${list}\n\npharos COMMAND --help shows a command's flags.\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(await help());
    return name === undefined ? 2 : 0;
  }
  const wanted = name === "--version" ? "version" : name;
  if (!Object.hasOwn(COMMANDS, wanted)) {
    process.stderr.write(`pharos: there is no command ${JSON.stringify(name)}\n\n${await help()}`);
    return 2;
  }
  const command = await COMMANDS[wanted]();
  if (rest.includes("--help") || rest.includes("-h")) {
    const usage = `${command.summary}\n\nUsage: pharos ${command.name} [FLAGS]\n\n${command.help()}`;
    process.stdout.write(`${command.describe?.(rest) ?? usage}\n`);
    return 0;
  }
  return command.run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // A UserError is for the user; anything else is a bug and keeps its stack.
  process.stderr.write(
    `pharos: ${error instanceof UserError ? error.describe() : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = 1;
}
