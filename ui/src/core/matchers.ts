/** Matchers of silences, as people write them: `a="b", c=~"d.*"`, with or without braces. */
export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

const MATCHER =
  /^\s*([a-zA-Z_][\w.]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"{}!=~,\s]+)\s*(?:,\s*|$)/;

function unquote(part: string): string {
  if (!part.startsWith('"')) return part;
  try {
    return JSON.parse(part) as string;
  } catch {
    throw new Error(`not a quoted text: ${part}`);
  }
}

/** Throws with what is wrong and how it is written. */
export function parseMatchers(text: string): SilenceMatcher[] {
  const trimmed = text.trim();
  let rest = trimmed.startsWith("{") && trimmed.endsWith("}") ? trimmed.slice(1, -1).trim() : trimmed;
  const matchers: SilenceMatcher[] = [];
  while (rest !== "") {
    const match = MATCHER.exec(rest);
    if (!match) throw new Error(`not a matcher: ${rest}. Write it like alertname="CPUTempHigh", instance=~"node-.*"`);
    const [all, name, operator, value] = match;
    matchers.push({
      name: unquote(name!),
      value: unquote(value!),
      isRegex: operator!.endsWith("~"),
      isEqual: !operator!.startsWith("!"),
    });
    rest = rest.slice(all.length);
  }
  if (matchers.length === 0) throw new Error("a silence needs at least one matcher");
  return matchers;
}

export function matcherText({ name, value, isRegex, isEqual }: SilenceMatcher): string {
  const operator = isEqual ? (isRegex ? "=~" : "=") : isRegex ? "!~" : "!=";
  return `${/^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name)}${operator}${JSON.stringify(value)}`;
}
