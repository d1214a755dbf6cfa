/**
 * `$name`, `${name}`, `${name:format}` and `[[name]]` replaced by a variable's value in the way the place needs it.
 * An unknown name stays as it is: it may be a label of the legend or a mistake that the query's error then shows.
 */
export interface Value {
  /** What stands in the query; several when many are chosen. */
  values: readonly string[];
  /** What the picker shows. */
  text?: string;
  /** Set when All is chosen and the dashboard gives a value of its own for it: used as it is, never escaped. */
  raw?: boolean;
  /** The variable may have several values: the query compares by regexp, so that even one value is escaped for it. */
  multi?: boolean;
}
export type Values = ReadonlyMap<string, Value>;
/** The values with those of a repeated row or panel in place of their own. */
export function withScoped(values: Values, scoped: Readonly<Record<string, string>>): Values {
  const own = Object.entries(scoped);
  if (own.length === 0) return values;
  const merged = new Map(values);
  for (const [name, value] of own) merged.set(name, { values: [value], multi: values.get(name)?.multi });
  return merged;
}

export type Context = "promql" | "text" | "regex" | "url";

const PATTERN = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}/g;
const META = /[\\^$*+?.()|[\]{}/]/g;

/** Escaped for a regexp inside a PromQL string literal, where a backslash itself is escaped. */
const escapePromRegex = (value: string): string => value.replace(/[\\^$*+?.()|[\]{}]/g, "\\\\$&");
const escapePromString = (value: string): string => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
const escapeRegex = (value: string): string => value.replace(META, "\\$&");

function formatted(value: Value, format: string, name: string): string {
  const { values } = value;
  switch (format) {
    case "raw":
      return values.join(",");
    case "regex":
      return values.length === 1 ? escapeRegex(values[0]!) : `(${values.map(escapeRegex).join("|")})`;
    case "pipe":
      return values.join("|");
    case "csv":
      return values.join(",");
    case "json":
      return JSON.stringify(values.length === 1 ? values[0] : values);
    case "doublequote":
      return values.map((each) => JSON.stringify(each)).join(",");
    case "singlequote":
      return values.map((each) => `'${each.replaceAll("'", "\\'")}'`).join(",");
    case "sqlstring":
      return values.map((each) => `'${each.replaceAll("'", "''")}'`).join(",");
    case "percentencode":
      return encodeURIComponent(values.length === 1 ? values[0]! : `{${values.join(",")}}`);
    case "queryparam":
      return values.map((each) => `var-${encodeURIComponent(name)}=${encodeURIComponent(each)}`).join("&");
    case "text":
      return value.text ?? values.join(" + ");
    case "glob":
      return values.length === 1 ? values[0]! : `{${values.join(",")}}`;
    case "distributed":
      return values.map((each, index) => (index === 0 ? each : `${name}=${each}`)).join(",");
    default:
      return values.length === 1 ? values[0]! : `{${values.join(",")}}`;
  }
}

export function interpolate(template: string, values: Values, context: Context = "text"): string {
  return template.replace(PATTERN, (whole, plain, square, squareFormat, braced, bracedFormat) => {
    const name: string = plain ?? square ?? braced;
    const format: string | undefined = squareFormat ?? bracedFormat;
    const value = values.get(name);
    if (!value) return whole;
    if (value.raw && !format) return value.values.join("");
    if (format) return formatted(value, format, name);
    if (context === "promql") {
      const [only] = value.values;
      if (name.startsWith("__") || value.raw) return value.values.join("");
      if (value.values.length === 1) return value.multi ? escapePromRegex(only!) : escapePromString(only!);
      return `(${value.values.map(escapePromRegex).join("|")})`;
    }
    if (context === "regex") return formatted(value, "regex", name);
    if (context === "url") return formatted(value, "percentencode", name);
    return formatted(value, "text", name);
  });
}

/** Names of the variables that a template uses. */
export function usedNames(template: string): Set<string> {
  return new Set([...template.matchAll(PATTERN)].map(([, plain, square, , braced]) => (plain ?? square ?? braced)!));
}
