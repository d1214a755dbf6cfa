/** Matchers: the lexers and parsers of both syntaxes, and what they match. */

import { AlertMatcher, MatcherLexer, type MatcherMode, MatcherSyntax, parseUtf8Matcher } from "@pharos/alertmanager";
import type { MatchType } from "@pharos/model";
import { suite } from "./cases.ts";

type Outcome = { matchers?: { string: string }[] | null; error?: string };
type ModeRow = { input: string } & Record<string, Outcome>;
interface PlainMatcher {
  name: string;
  op: MatchType;
  value: string;
}
interface ParserRow {
  name?: string;
  input: string;
  expected: PlainMatcher[] | PlainMatcher | null;
  error: string | null;
}
interface FallbackRow {
  name: string;
  input: string;
  err: string;
  expected: GoMatcher[] | GoMatcher | null;
}
interface GoMatcher {
  Name: string;
  Type: number;
  Value: string;
}

const MODES: Readonly<Record<string, MatcherMode>> = { classic: "classic", utf8: "utf8-strict", fallback: "fallback" };
const GO_TYPES: readonly MatchType[] = ["=", "!=", "=~", "!~"];
const TOKEN_KINDS = ["eof", "{", "}", ",", "=", "!=", "=~", "!~", "quoted", "unquoted"];

const shown = (list: readonly AlertMatcher[]) => list.map(({ name, type, value }) => [name, type, value]);
const plain = (list: readonly PlainMatcher[] | PlainMatcher | null) =>
  [list ?? []].flat().map(({ name, op, value }) => [name, op, value]);
const goPlain = (list: readonly GoMatcher[] | GoMatcher | null) =>
  [list ?? []].flat().map(({ Name, Type, Value }) => [Name, GO_TYPES[Type], Value]);

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

export const matchers = suite("alertmanager-matchers", "matchers", (cases, read) => {
  for (const { input, ...outcomes } of read<ModeRow[]>("modes.json")) {
    for (const [key, want] of Object.entries(outcomes)) {
      const [count, mode] = key.split("_");
      const syntax = new MatcherSyntax(MODES[mode]);
      const got = outcome(() =>
        count === "list" ? syntax.matchers(input, "test").map(String).join(";") : String(syntax.matcher(input, "test")),
      );
      const expected = want.error ? `error: ${want.error}` : (want.matchers ?? []).map((one) => one.string).join(";");
      cases.check(`${key} ${JSON.stringify(input)}`, got, expected);
    }
  }
  for (const row of read<{ matcher: PlainMatcher; value: string; match: boolean }[]>("matching.json")) {
    const { name, op, value } = row.matcher;
    cases.check(`${op}${value}`, new AlertMatcher(op, name, value).matches(row.value), row.match);
  }
  for (const row of read<(PlainMatcher & { string: string })[]>("to-string.json"))
    cases.check(row.string, String(new AlertMatcher(row.op, row.name, row.value)), row.string);
  const parsers: [file: string, mode: MatcherMode, single: boolean][] = [
    ["utf8-parser.json", "utf8-strict", false],
    ["utf8-parser-single.json", "utf8-strict", true],
    ["classic-parser.json", "classic", false],
  ];
  for (const [file, mode, single] of parsers) {
    const syntax = new MatcherSyntax(mode);
    for (const row of read<ParserRow[]>(file)) {
      // That of one matcher takes braces; only the API before it does not.
      const got = outcome(() => shown(single ? [parseUtf8Matcher(row.input)] : syntax.matchers(row.input, "test")));
      cases.check(`${file} ${row.name ?? row.input}`, got, row.error ? `error: ${row.error}` : plain(row.expected));
    }
  }
  for (const row of read<(Omit<ParserRow, "error"> & { classic_error: string | null; utf8_differs_skip?: boolean })[]>(
    "compliance.json",
  )) {
    // Upstream runs the table through its newer parser, without the rows on which the two differ.
    const modes: MatcherMode[] = row.utf8_differs_skip ? ["classic"] : ["utf8-strict"];
    for (const mode of modes) {
      const syntax = new MatcherSyntax(mode);
      const label = `compliance ${mode} ${row.input}`;
      if (row.classic_error === null)
        cases.check(
          label,
          outcome(() => shown(syntax.matchers(row.input, "test"))),
          plain(row.expected),
        );
      else
        cases.error(label, () => syntax.matchers(row.input, "test"), mode === "classic" ? [row.classic_error] : [""]);
    }
  }
  const fallback = new MatcherSyntax("fallback");
  for (const row of read<FallbackRow[]>("fallback.json"))
    cases.check(
      `fallback ${row.name}`,
      outcome(() => shown(fallback.matchers(row.input, "test"))),
      row.err === "" ? goPlain(row.expected) : `error: ${row.err}`,
    );
  for (const row of read<FallbackRow[]>("fallback-single.json"))
    cases.check(
      `fallback single ${row.name}`,
      outcome(() => shown([fallback.matcher(row.input, "test")])),
      row.err === "" ? goPlain(row.expected) : `error: ${row.err}`,
    );
  const names =
    read<Record<"classic" | "utf8", { name: string; input: string; expected: boolean }[]>>("label-names.json");
  for (const [key, mode] of [
    ["classic", "classic"],
    ["utf8", "utf8-strict"],
  ] as const)
    for (const row of names[key])
      cases.check(`label name ${key} ${row.name}`, new MatcherSyntax(mode).isLabelName(row.input), row.expected);
  interface LexerRow {
    name: string;
    input: string;
    err: string;
    expected: { kind: number; value: string; position: { columnStart: number; columnEnd: number } }[] | null;
  }
  for (const row of read<LexerRow[]>("lexer.json")) {
    const lexer = new MatcherLexer(row.input);
    const got: unknown[] = [];
    let error = "";
    try {
      for (let token = lexer.scan(); token.kind !== "eof"; token = lexer.scan())
        got.push([token.kind, token.text, token.start, token.end]);
    } catch (caught) {
      error = (caught as Error).message;
    }
    const want = (row.expected ?? []).map(({ kind, value, position }) => [
      TOKEN_KINDS[kind],
      value,
      position.columnStart,
      position.columnEnd,
    ]);
    cases.check(`lexer ${row.name}`, [got, error], [want, row.err]);
  }
});
