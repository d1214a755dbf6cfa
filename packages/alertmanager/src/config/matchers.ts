/**
 * Matchers in Alertmanager's syntax: `{a="b", c=~"d.*"}`. The UTF-8 grammar is tried first and the classic one when it fails;
 * where both read a text differently the classic reading counts, as upstream's fallback mode has it.
 */
import { Matcher, type MatchType, UserError } from "@pharos/model";

function fail(text: string, reason: string): UserError {
  return new UserError("alertmanager.matcher", `bad matcher format: ${text}: ${reason}`, {
    fix: 'Write it like alertname="Watchdog" or instance=~"node-.*"',
  });
}

function unquote(text: string, whole: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw fail(whole, `invalid quoted string ${text}`);
  }
}

/** Quoted or bare names, an operator, a quoted or bare value; commas between, one may trail. */
function parseUtf8(text: string): Matcher[] {
  let rest = text.trim();
  const opens = rest.startsWith("{");
  if (opens !== rest.endsWith("}")) throw fail(text, "unbalanced braces");
  if (opens) rest = rest.slice(1, -1).trim();
  const out: Matcher[] = [];
  while (rest !== "") {
    const match =
      /^("(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"'`]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"'`]+)\s*(,|$)\s*/.exec(
        rest,
      );
    if (!match) throw fail(text, `unexpected ${JSON.stringify(rest.slice(0, 20))}`);
    const [all, name, operator, value] = match;
    out.push(
      new Matcher(
        operator as MatchType,
        name.startsWith('"') ? unquote(name, text) : name,
        value.startsWith('"') ? unquote(value, text) : value,
      ),
    );
    rest = rest.slice(all.length);
  }
  if (out.length === 0 && !opens) throw fail(text, "no matcher");
  return out;
}

function parseClassicOne(text: string): Matcher {
  const match = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*((?:.|\n)*?)\s*$/.exec(text);
  if (!match) throw fail(text, "no operator");
  let value = match[3];
  if (value.startsWith('"')) {
    if (value.length < 2 || !value.endsWith('"')) throw fail(text, "matcher value contains unescaped double quote");
    value = value.slice(1, -1);
  }
  value = value.replace(/\\(["\\n])/g, (_all, escaped: string) => (escaped === "n" ? "\n" : escaped));
  return new Matcher(match[2] as MatchType, match[1], value);
}

function parseClassic(text: string): Matcher[] {
  const inner = text.trim().replace(/^\{/, "").replace(/\}$/, "");
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] === "\\") i++;
    else if (inner[i] === '"') quoted = !quoted;
    else if (inner[i] === "," && !quoted) {
      parts.push(inner.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(inner.slice(start));
  if (parts.at(-1)?.trim() === "") parts.pop();
  return parts.map(parseClassicOne);
}

const same = (a: readonly Matcher[], b: readonly Matcher[]): boolean => a.map(String).join() === b.map(String).join();

/** Throws a UserError when the text is no list of matchers, or a regular expression is not RE2. */
export function parseMatchers(text: string): Matcher[] {
  let modern: Matcher[] | undefined;
  let classic: Matcher[] | undefined;
  let problem: unknown;
  try {
    modern = parseUtf8(text);
  } catch (error) {
    problem = error;
  }
  try {
    classic = parseClassic(text);
  } catch (error) {
    problem = error;
  }
  if (modern && classic) return same(modern, classic) ? modern : classic;
  const found = modern ?? classic;
  if (!found) throw problem;
  return found;
}

/** One matcher. */
export function parseMatcher(text: string): Matcher {
  const found = parseMatchers(text);
  if (found.length !== 1) throw fail(text, "expected one matcher");
  return found[0];
}
