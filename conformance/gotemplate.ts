/** Go's own text/template, fmt and time tables, and vectors observed with Go, Prometheus and Alertmanager. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  formatGoDuration,
  formatTime,
  HtmlTemplate,
  Lexer,
  loadZone,
  parseConstant,
  parseTemplate,
  parseTime,
  printNode,
  quote,
  replaceAllRegexp,
  sprintf,
  Template,
} from "@pharos/gotemplate";
import { compileRe2 } from "@pharos/model";
import { comparisonStruct, goFunctions, referencedValue } from "./gotemplate/exec-data.ts";
import { htmlStruct } from "./gotemplate/html-data.ts";
import { goValue } from "./gotemplate/values.ts";
import { runVector, type Vector } from "./gotemplate/vectors.ts";
import type { Suite, SuiteResult } from "./suite.ts";

function read<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
}

/** Runs a check per case; a case fails when it returns a text or throws. */
function check<T>(cases: readonly T[], label: (item: T) => string, test: (item: T) => string | undefined): SuiteResult {
  const failures: string[] = [];
  for (const item of cases) {
    let problem: string | undefined;
    try {
      problem = test(item);
    } catch (error) {
      problem = `threw ${error instanceof Error ? error.message : String(error)}`;
    }
    if (problem !== undefined) failures.push(`${label(item)}: ${problem}`);
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}

function differs(got: string, want: string): string | undefined {
  return got === want ? undefined : `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`;
}

/** Output, or the message of what was thrown. */
function outcome(run: () => string): { text: string; failed: boolean } {
  try {
    return { text: run(), failed: false };
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), failed: true };
  }
}

interface ExecCase {
  name?: string;
  expr?: string;
  template: string;
  ok: boolean;
  expected?: string;
  error?: string;
  data?: unknown;
  data_ref?: string;
  data_str?: string;
}

function execCase(item: ExecCase, parsedFirst: readonly string[] = []): string | undefined {
  const name = item.name ?? "";
  const { text, failed } = outcome(() => {
    const template = new Template(name, { funcs: goFunctions() });
    for (const text of parsedFirst) template.clone("root").parse(text);
    let root = new Template("root", { funcs: goFunctions() });
    for (const text of parsedFirst) root.parse(text);
    root = root.clone(name);
    const data = item.data_ref ? referencedValue(item.data_ref, item.data_str ?? "", name) : goValue(item.data);
    return root.parse(item.template).execute(data);
  });
  if (item.ok) return failed ? `failed: ${text}` : differs(text, item.expected!);
  if (!failed) return `did not fail but gave ${JSON.stringify(text)}`;
  return item.error === undefined ? undefined : differs(anyAddress(text), anyAddress(item.error));
}

/** Addresses of functions differ from run to run. */
function anyAddress(text: string): string {
  return text.replace(/0x[0-9a-f]{6,}/g, "0xPTR");
}

const KINDS: Readonly<Record<string, string>> = {
  text: "item20",
  eof: "EOF",
};

interface LexCase {
  name: string;
  template: string;
  tokens: [string, string][];
}

function lexCase({ template, tokens }: LexCase): string | undefined {
  const lexer = new Lexer(template, { comments: true });
  const got: [string, string][] = [];
  for (;;) {
    const token = lexer.next();
    got.push([KINDS[token.kind] ?? token.kind, token.kind === "eof" ? "" : token.text]);
    if (token.kind === "eof" || token.kind === "error") break;
  }
  return differs(JSON.stringify(got), JSON.stringify(tokens));
}

interface ParseCase {
  name: string;
  template: string;
  ok: boolean;
  canonical?: string;
  error?: string;
  error_contains?: string;
}

/** Functions that Go's parse tests declare. */
const PARSE_FUNCTIONS = new Set(
  "printf contains and or not len index slice call print println html js urlquery eq ne lt le gt ge break continue".split(
    " ",
  ),
);

function parseCase(item: ParseCase): string | undefined {
  const allowed = new Set(PARSE_FUNCTIONS);
  allowed.delete("break");
  allowed.delete("continue");
  let canonical: string;
  try {
    const trees = parseTemplate(item.name, item.template, { hasFunction: (name) => allowed.has(name) });
    canonical = printNode(trees.get(item.name)!.root, quote);
  } catch (error) {
    const { message } = error as Error;
    if (item.ok) return `failed: ${message}`;
    if (item.error) return differs(message, item.error);
    return message.includes(item.error_contains ?? "") ? undefined : `got ${message}, want …${item.error_contains}…`;
  }
  return item.ok ? differs(canonical, item.canonical!) : `did not fail but gave ${canonical}`;
}

interface NumberCase {
  text: string;
  int?: string;
  uint?: string;
  float?: string;
  complex?: string;
  isInt: boolean;
  isUint: boolean;
  isFloat: boolean;
  isComplex: boolean;
  ok?: boolean;
  error?: string;
}

function numberCase(item: NumberCase): string | undefined {
  const kind = item.text.startsWith("'")
    ? "charconst"
    : /^[^i]+[+-].*i$/.test(item.text.slice(1))
      ? "complex"
      : "number";
  const node = parseConstant(kind, item.text, 0);
  const valid = item.isInt || item.isUint || item.isFloat || item.isComplex;
  if (typeof node === "string") return valid ? `failed: ${node}` : undefined;
  if (!valid) return "did not fail";
  if ((node.int !== undefined) !== item.isInt) return `int is ${node.int}`;
  if ((node.uint !== undefined) !== item.isUint) return `uint is ${node.uint}`;
  if ((node.float !== undefined) !== item.isFloat) return `float is ${node.float}`;
  if ((node.complex !== undefined) !== item.isComplex) return `complex is ${JSON.stringify(node.complex)}`;
  if (item.isInt && item.int !== undefined && BigInt(item.int) !== node.int) return `int ${node.int}, want ${item.int}`;
  if (item.isUint && item.uint !== undefined && BigInt(item.uint) !== node.uint) return `uint ${node.uint}`;
  if (item.isFloat && item.float !== undefined && Number(item.float) !== node.float) return `float ${node.float}`;
  return undefined;
}

interface TimeCase {
  name?: string;
  layout: string;
  time?: string;
  value?: string;
  expected?: string;
  expected_rfc3339nano?: string;
  expected_string?: string;
  error?: string;
}

/** Go's time tests run in this zone. */
const LOCAL = "America/Los_Angeles";

function timeFormatCase(item: TimeCase): string | undefined {
  const match = /^(\S+?)(?: ([A-Z]+))?$/.exec(item.time!)!;
  const moment = parseTime("2006-01-02T15:04:05.999999999Z07:00", match[1], loadZone(LOCAL));
  return differs(formatTime(moment, item.layout), item.expected!);
}

function timeParseCase(item: TimeCase): string | undefined {
  const { text, failed } = outcome(() => {
    const moment = parseTime(item.layout, item.value!, loadZone(LOCAL));
    const rfc = formatTime(moment, "2006-01-02T15:04:05.999999999Z07:00");
    return `${rfc}|${formatTime(moment, "2006-01-02 15:04:05.999999999 -0700 MST")}`;
  });
  if (item.error !== undefined) return failed ? differs(text, item.error) : `did not fail but gave ${text}`;
  if (failed) return `failed: ${text}`;
  return differs(text, `${item.expected_rfc3339nano}|${item.expected_string}`);
}

interface HtmlCase {
  name?: string;
  template: string;
  expected?: string;
  error_contains?: string;
}

function htmlCase(item: HtmlCase): string | undefined {
  const { text, failed } = outcome(() => new HtmlTemplate(item.name!).parse(item.template).execute(htmlStruct()));
  return failed ? `failed: ${text}` : differs(text, item.expected!);
}

function htmlErrorCase(item: HtmlCase): string | undefined {
  const { text, failed } = outcome(() => new HtmlTemplate("z").parse(item.template).execute());
  if (item.error_contains === "") return failed ? `failed: ${text}` : undefined;
  if (!failed) return `did not fail but gave ${text}`;
  return text.includes(item.error_contains!) ? undefined : `got ${text}, want …${item.error_contains}…`;
}

interface FindCase {
  pattern: string;
  text: string;
  /** Of each match the start and end in bytes, then those of its groups, -1 for none. */
  byte_matches: number[][] | null;
}

function findCase({ pattern, text, byte_matches: want }: FindCase): string | undefined {
  const matcher = compileRe2(pattern).matcher(text);
  const byte = (index: number): number => (index < 0 ? -1 : Buffer.byteLength(text.slice(0, index)));
  const got: number[][] = [];
  let last = -1;
  while (matcher.find()) {
    // An empty match right after a match is none.
    if (matcher.start() === matcher.end() && matcher.start() === last) continue;
    last = matcher.end();
    const row: number[] = [];
    for (let i = 0; i <= matcher.groupCount(); i++) row.push(byte(matcher.start(i)), byte(matcher.end(i)));
    got.push(row);
  }
  return differs(JSON.stringify(got), JSON.stringify(want ?? []));
}

export const suites: Suite[] = [
  {
    name: "gotemplate-vectors",
    data: "alertmanager/template-vectors.json",
    async run(path) {
      const vectors = JSON.parse(readFileSync(path, "utf8")) as Vector[];
      const failures: string[] = [];
      for (const vector of vectors) {
        const problem = await runVector(vector);
        if (problem !== undefined) failures.push(`${vector.id} ${JSON.stringify(vector.template)}: ${problem}`);
      }
      return { passed: vectors.length - failures.length, total: vectors.length, failures };
    },
  },
  {
    name: "gotemplate-exec",
    data: "alertmanager/go-template",
    run(path) {
      const exec = read<ExecCase[]>(path, "exec.json");
      const comparison = read<ExecCase[]>(path, "comparison.json");
      const multi = read<{ parsed_first: string[]; tests: ExecCase[] }>(path, "multi.json");
      const label = (item: ExecCase) => `${item.name ?? item.expr} ${JSON.stringify(item.template)}`;
      const parts = [
        check(exec, label, (item) => execCase(item)),
        check(comparison, label, (item) => {
          const { text, failed } = outcome(() =>
            new Template("test", { funcs: goFunctions() }).parse(item.template).execute(comparisonStruct()),
          );
          if (!item.ok) return failed ? undefined : `did not fail but gave ${text}`;
          return failed ? `failed: ${text}` : differs(text, item.expected!);
        }),
        check(multi.tests, label, (item) => execCase(item, multi.parsed_first)),
      ];
      return {
        passed: parts.reduce((sum, part) => sum + part.passed, 0),
        total: exec.length + comparison.length + multi.tests.length,
        failures: parts.flatMap((part) => part.failures),
      };
    },
  },
  {
    name: "gotemplate-parse",
    data: "alertmanager/go-template",
    run(path) {
      const label = (item: { name: string; template: string }) => `${item.name} ${JSON.stringify(item.template)}`;
      const parts = [
        check(read<LexCase[]>(path, "lex.json"), label, lexCase),
        check(read<ParseCase[]>(path, "parse.json"), label, parseCase),
        check(read<ParseCase[]>(path, "parse-errors.json"), label, parseCase),
        check(read<NumberCase[]>(path, "numbers.json"), (item) => item.text, numberCase),
      ];
      return {
        passed: parts.reduce((sum, part) => sum + part.passed, 0),
        total: parts.reduce((sum, part) => sum + part.total, 0),
        failures: parts.flatMap((part) => part.failures),
      };
    },
  },
  {
    name: "gotemplate-fmt",
    data: "alertmanager/go-fmt",
    run(path) {
      const cases = read<{ fmt: string; val: unknown; out: string }[]>(path, "fmt.json");
      return check(
        cases,
        (item) => `${item.fmt} ${JSON.stringify(item.val)}`,
        (item) => {
          const got = sprintf(item.fmt, [goValue(item.val)]);
          return differs(item.out.includes("PTR") ? got.replace(/0x[0-9a-f]+/, "0xPTR") : got, item.out);
        },
      );
    },
  },
  {
    name: "gotemplate-time",
    data: "alertmanager/go-time",
    run(path) {
      const label = (item: TimeCase) => `${item.layout} ${item.value ?? item.time}`;
      const parts = [
        check(read<TimeCase[]>(path, "format.json"), label, timeFormatCase),
        check(read<TimeCase[]>(path, "parse.json"), label, timeParseCase),
        check(read<TimeCase[]>(path, "parse-errors.json"), label, timeParseCase),
        check(
          read<{ nanoseconds: string; string: string }[]>(path, "duration-string.json"),
          (item) => item.nanoseconds,
          (item) => differs(formatGoDuration(BigInt(item.nanoseconds)), item.string),
        ),
      ];
      return {
        passed: parts.reduce((sum, part) => sum + part.passed, 0),
        total: parts.reduce((sum, part) => sum + part.total, 0),
        failures: parts.flatMap((part) => part.failures),
      };
    },
  },
  {
    name: "gotemplate-html",
    data: "alertmanager/go-template",
    run(path) {
      const parts = [
        check(read<HtmlCase[]>(path, "html-escape.json"), (item) => item.name!, htmlCase),
        check(read<HtmlCase[]>(path, "html-escape-errors.json"), (item) => item.template, htmlErrorCase),
      ];
      return {
        passed: parts.reduce((sum, part) => sum + part.passed, 0),
        total: parts.reduce((sum, part) => sum + part.total, 0),
        failures: parts.flatMap((part) => part.failures),
      };
    },
  },
  {
    name: "gotemplate-re2",
    data: "alertmanager/re2",
    run(path) {
      const { good, bad } = read<Record<"good" | "bad", { pattern: string; error?: string }[]>>(path, "compile.json");
      const parts = [
        check(
          good,
          (item) => item.pattern,
          (item) => void compileRe2(item.pattern),
        ),
        check(
          bad,
          (item) => item.pattern.slice(0, 40),
          (item) => {
            const { text, failed } = outcome(() => String(compileRe2(item.pattern)));
            return failed ? differs(text, `error parsing regexp: ${item.error}`) : "did not fail";
          },
        ),
        check(read<FindCase[]>(path, "find.json"), (item) => `${item.pattern} ${item.text}`, findCase),
        check(
          read<Record<"pattern" | "input" | "replacement" | "expected", string>[]>(path, "replace-all.json"),
          (item) => `${item.pattern} ${item.replacement} ${item.input}`,
          (item) => differs(replaceAllRegexp(item.pattern, item.replacement, item.input), item.expected),
        ),
      ];
      return {
        passed: parts.reduce((sum, part) => sum + part.passed, 0),
        total: parts.reduce((sum, part) => sum + part.total, 0),
        failures: parts.flatMap((part) => part.failures),
      };
    },
  },
];
