/** The `pharos` program: finds the command, runs it, turns errors into one line and an exit code. */
import { UserError } from "@pharos/model";
import { alertmanager } from "./commands/alertmanager.ts";
import type { Command } from "./commands/command.ts";
import { gpuExporter } from "./commands/gpu-exporter.ts";
import { kubeStateMetrics } from "./commands/kube-state-metrics.ts";
import { nodeExporter } from "./commands/node-exporter.ts";
import { prometheus } from "./commands/prometheus.ts";
import { up } from "./commands/up.ts";
import { version } from "./commands/version.ts";

const COMMANDS: readonly Command[] = [
  up,
  prometheus,
  alertmanager,
  nodeExporter,
  kubeStateMetrics,
  gpuExporter,
  version,
];

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
  const list = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`).join("\n");
  return `Pharos: the whole Kubernetes monitoring stack in one program.\n\nUsage: pharos COMMAND [FLAGS]\n\n${list}\n\npharos COMMAND --help shows a command's flags.\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(help());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find(
    (candidate) => candidate.name === name || (name === "--version" && candidate === version),
  );
  if (!command) {
    process.stderr.write(`pharos: there is no command ${JSON.stringify(name)}\n\n${help()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(`${command.summary}\n\nUsage: pharos ${command.name} [FLAGS]\n\n${command.help()}\n`);
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
