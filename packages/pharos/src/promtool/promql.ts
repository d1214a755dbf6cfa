/** `promql format` and `promql label-matchers`: queries edited on the command line. */
import type { FlagSpecs } from "@pharos/kit";
import { Matcher, type MatchType, UserError } from "@pharos/model";
import { type Expr, parseExpr, prettify, selectorsOf } from "@pharos/promql";
import { type Invocation, type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { SUCCESS } from "./exit.ts";
import { languageOf } from "./language.ts";

/** As promtool: what may still change is asked for by name. */
function requireExperimental({ values }: Invocation): void {
  if (values.experimental) return;
  throw new UserError(
    "pharos.experimental",
    "This command is experimental and requires the --experimental flag to be set.",
  );
}

function readQuery(invocation: Invocation): Expr {
  requireExperimental(invocation);
  return parseExpr(invocation.args[0], languageOf(invocation));
}

const format: Subcommand = {
  path: "promql format",
  summary: "Format PromQL query to pretty printed form.",
  usage: "QUERY",
  args: { min: 1, max: 1 },
  flags: {},
  run(invocation) {
    invocation.write(`${prettify(readQuery(invocation))}\n`);
    return SUCCESS;
  },
};

const SET_FLAGS = {
  type: {
    type: "string",
    short: "t",
    default: "=",
    choices: ["=", "!=", "=~", "!~"],
    help: "Type of the label matcher to set.",
  },
} as const satisfies FlagSpecs;

const set: Subcommand = {
  path: "promql label-matchers set",
  summary: "Set a label matcher in the query.",
  usage: "QUERY NAME VALUE",
  args: { min: 3, max: 3 },
  flags: SET_FLAGS,
  run(invocation) {
    const { type } = valuesOf(SET_FLAGS, invocation.values);
    const [, name, value] = invocation.args;
    const expr = readQuery(invocation);
    const matcher = new Matcher(type as MatchType, name, value);
    for (const matchers of selectorsOf(expr)) {
      const at = matchers.findIndex((one) => one.name === name);
      matchers.splice(at < 0 ? matchers.length : at, at < 0 ? 0 : 1, matcher);
    }
    invocation.write(`${prettify(expr)}\n`);
    return SUCCESS;
  },
};

const remove: Subcommand = {
  path: "promql label-matchers delete",
  summary: "Delete a label from the query.",
  usage: "QUERY NAME",
  args: { min: 2, max: 2 },
  flags: {},
  run(invocation) {
    const expr = readQuery(invocation);
    for (const matchers of selectorsOf(expr)) {
      matchers.splice(0, matchers.length, ...matchers.filter(({ name }) => name !== invocation.args[1]));
    }
    invocation.write(`${prettify(expr)}\n`);
    return SUCCESS;
  },
};

export const promqlCommands: readonly Subcommand[] = [format, set, remove];
