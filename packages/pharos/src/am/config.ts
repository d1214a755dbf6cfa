/** `check-config`, `config show`, `config routes show`, `config routes test` and `cluster show`. */

import { existsSync } from "node:fs";
import {
  type AlertmanagerConfig,
  createTemplates,
  formatMatchers,
  loadAlertmanagerConfig,
  matchAll,
  matchRoutes,
  type Route,
  readTemplateFiles,
} from "@pharos/alertmanager";
import { describeError, Labels } from "@pharos/model";
import { ApiClient, type ApiStatus } from "./client.ts";
import { failed, type Invocation, readText, type Subcommand, textOf } from "./context.ts";
import { writeCluster, writeConfig } from "./format.ts";
import { parsePairs, syntaxOf } from "./matchers.ts";
import { drawTree, type TreeNode } from "./tree.ts";

const checkConfig: Subcommand = {
  path: "check-config",
  summary: "Validate alertmanager config files and their templates; standard input without a file.",
  remote: false,
  flags: {},
  async run({ args, values, write }) {
    const files = args.length > 0 ? args : ["/dev/stdin"];
    const missing = files.find((file) => !existsSync(file));
    if (missing !== undefined) throw failed(`path '${missing}' does not exist`);
    const syntax = syntaxOf(values);
    let bad = 0;
    for (const file of files) {
      write(`Checking '${file}'`);
      let config: AlertmanagerConfig | undefined;
      try {
        const text = readText(file === "/dev/stdin" ? undefined : file);
        config = loadAlertmanagerConfig(text, { file, syntax, withoutTemplates: true });
        write("  SUCCESS\n");
      } catch (error) {
        write(`  FAILED: ${describeError(error)}\n`);
        bad++;
      }
      if (config) {
        const { inhibitRules, receivers, templateGlobs } = config;
        write("Found:\n - global config\n - route\n");
        write(
          ` - ${inhibitRules.length} inhibit rules\n - ${receivers.size} receivers\n - ${templateGlobs.length} templates\n`,
        );
        if (templateGlobs.length > 0) {
          try {
            createTemplates(readTemplateFiles(templateGlobs));
            write("  SUCCESS\n");
          } catch (error) {
            write(`  FAILED: ${describeError(error)}\n`);
            bad++;
          }
        }
      }
      write("\n");
    }
    if (bad > 0) throw failed(`failed to validate ${bad} file(s)`);
    return 0;
  },
};

async function status(invocation: Invocation): Promise<ApiStatus> {
  await using client = await ApiClient.open(invocation);
  return await client.call<ApiStatus>("GET", "/api/v2/status");
}

const show: Subcommand = {
  path: "config show",
  summary: "View the running configuration.",
  remote: true,
  flags: {},
  async run(invocation) {
    writeConfig(invocation, await status(invocation));
    return 0;
  },
};

const cluster: Subcommand = {
  path: "cluster show",
  summary: "View cluster status and peers.",
  remote: true,
  flags: {},
  async run(invocation) {
    writeCluster(invocation, await status(invocation));
    return 0;
  },
};

const CONFIG_FILE = { "config.file": { type: "string", default: "", help: "Config file to be tested." } } as const;

/** From a file, or from a running Alertmanager. */
async function loadRoutes(invocation: Invocation): Promise<Route> {
  const { values, warn } = invocation;
  const [file, url] = [textOf(values, "config.file"), textOf(values, "alertmanager.url")];
  if (file !== "" && url !== "") warn("Warning: --config.file flag overrides the --alertmanager.url.\n");
  if (file === "" && url === "") throw failed("You have to specify one of --config.file or --alertmanager.url flags.");
  const text = file === "" ? (await status(invocation)).config.original : readText(file);
  return loadAlertmanagerConfig(text, { file, syntax: syntaxOf(values), withoutTemplates: true }).route;
}

function slug(route: Route, parts: { continues: boolean; receiver: boolean }): string {
  const words = [route.matchers.length === 0 ? "default-route" : formatMatchers(route.matchers)];
  if (route.continue && parts.continues) words.push("continue: true");
  if (parts.receiver) words.push(`receiver: ${route.receiver}`);
  return words.join("  ");
}

function wholeTree(route: Route): TreeNode {
  return { text: slug(route, { continues: true, receiver: true }), children: route.routes.map(wholeTree) };
}

function matchingTree(route: Route, labels: Labels): TreeNode {
  const children: TreeNode[] = [];
  for (const child of route.routes) {
    if (!matchAll(child.matchers, labels)) continue;
    children.push(matchingTree(child, labels));
    if (!child.continue) break;
  }
  return { text: slug(route, { continues: false, receiver: children.length === 0 }), children };
}

const routes: Subcommand = {
  path: "config routes show",
  summary: "Print the routing tree of a configuration file or of a running Alertmanager.",
  remote: false,
  flags: CONFIG_FILE,
  async run(invocation) {
    invocation.write(`Routing tree:\n${drawTree([wholeTree(await loadRoutes(invocation))])}\n`);
    return 0;
  },
};

const testRoutes: Subcommand = {
  path: "config routes test",
  summary: "Print the receivers that an alert with the given labels goes to.",
  remote: false,
  flags: {
    ...CONFIG_FILE,
    "verify.receivers": {
      type: "string",
      default: "",
      help: "Checks if specified receivers matches resolved receivers.",
    },
    tree: { type: "boolean", help: "Prints out matching routes tree." },
  },
  async run(invocation) {
    const { values, args, write } = invocation;
    const root = await loadRoutes(invocation);
    const labels = Labels.from(parsePairs(args, syntaxOf(values), "Labels"));
    if (values.tree) write(`Matching routes:\n${drawTree([matchingTree(root, labels)])}\n\n`);
    const receivers = matchRoutes(root, labels)
      .map(({ receiver }) => receiver)
      .join(",");
    write(`${receivers}\n`);
    const wanted = textOf(values, "verify.receivers");
    if (wanted === "" || wanted === receivers) return 0;
    write("WARNING: Expected receivers did not match resolved receivers.\n");
    return 1;
  },
};

export const configCommands: readonly Subcommand[] = [checkConfig, show, routes, testRoutes, cluster];
