/** Appends escapers to an action's pipeline; `html` and `urlquery` at its end serve in place of their equals. */
import type { CommandNode, PipeNode } from "../node.ts";
import type { EscaperName } from "./escapers.ts";

/** Escapers a template may name itself, at the end of a pipeline. */
export const PREDEFINED: ReadonlySet<string> = new Set(["html", "urlquery"]);

/** Escapers that are as safe as a predefined one. */
const EQUAL: Readonly<Record<string, string>> = {
  _html_template_attrescaper: "html",
  _html_template_htmlescaper: "html",
  _html_template_rcdataescaper: "html",
  _html_template_urlescaper: "urlquery",
  // Not equal, but urlquery is the stricter one, and old templates rely on it.
  _html_template_urlnormalizer: "urlquery",
};

/** Escapers that change nothing after another one. */
const REDUNDANT: Readonly<Record<string, readonly string[]>> = {
  _html_template_commentescaper: ["_html_template_attrescaper", "_html_template_htmlescaper"],
  _html_template_cssescaper: ["_html_template_attrescaper"],
  _html_template_jsregexpescaper: ["_html_template_attrescaper"],
  _html_template_jsstrescaper: ["_html_template_attrescaper"],
  _html_template_jstmpllitescaper: ["_html_template_attrescaper"],
  _html_template_urlescaper: ["_html_template_urlnormalizer"],
};

function normal(name: string): string {
  return Object.hasOwn(EQUAL, name) ? EQUAL[name] : name;
}

export function functionName(command: CommandNode | undefined): string | undefined {
  const first = command?.args[0];
  return first?.kind === "identifier" ? first.ident : undefined;
}

function append(commands: CommandNode[], name: string, pos: number): void {
  const last = functionName(commands.at(-1));
  if (last !== undefined && Object.hasOwn(REDUNDANT, last) && REDUNDANT[last].includes(name)) return;
  commands.push({ kind: "command", pos, args: [{ kind: "identifier", pos, ident: name }] });
}

/** A copy of the pipeline that ends with these escapers. */
export function withEscapers(pipe: PipeNode, escapers: readonly EscaperName[]): PipeNode {
  if (escapers.length === 0) return pipe;
  let commands = [...pipe.commands];
  let names: string[] = [...escapers];
  const last = commands[commands.length - 1];
  const own = functionName(last);
  if (own !== undefined && PREDEFINED.has(own)) {
    if (commands.length === 1 && last.args.length > 1) {
      // {{html a b}} becomes {{_eval_args_ a b | html}}, so that html can be merged.
      const first = { kind: "identifier" as const, pos: last.args[0].pos, ident: "_eval_args_" };
      commands = [{ ...last, args: [first, ...last.args.slice(1)] }];
      append(commands, own, pipe.pos);
    }
    if (names.some((name) => normal(name) === normal(own))) {
      names = names.map((name) => (normal(name) === normal(own) ? own : name));
      commands.pop();
    }
  }
  const present = new Set(commands.map((command) => normal(functionName(command) ?? "")));
  for (const name of names) if (!present.has(normal(name))) append(commands, name, pipe.pos);
  return { ...pipe, commands };
}
