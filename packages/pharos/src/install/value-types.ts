/** What a value of the installation may look like. Texts come from --set, anything YAML can say from a values file. */
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { parseBytes } from "@pharos/kit";
import { parseDuration, UserError } from "@pharos/model";
import { parse } from "yaml";

export type Labels = Readonly<Record<string, string>>;

export interface ValueTypes {
  string: string;
  boolean: boolean;
  integer: number;
  duration: string;
  bytes: string;
  quantity: string;
  name: string;
  list: readonly string[];
  labels: Labels;
  matchers: string;
  url: string;
}
export type ValueType = keyof ValueTypes;

/** Largest text of one value, in characters. */
const MAX_LENGTH = 65_536;
const QUANTITY = /^\d{1,15}(\.\d{1,6})?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$/;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

class Mismatch extends Error {}

function textOf(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") throw new Mismatch("must be a text");
  if (value.length > MAX_LENGTH) throw new Mismatch(`is longer than ${MAX_LENGTH} characters`);
  return value;
}

function matching(pattern: RegExp, wanted: string) {
  return (value: unknown): string => {
    const text = textOf(value);
    if (text !== "" && !pattern.test(text)) throw new Mismatch(wanted);
    return text;
  };
}

/** YAML's flow notation in a text: `[a, b]`, `{a: b}`. */
function flow(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return parse(value.slice(0, MAX_LENGTH));
  } catch {
    throw new Mismatch("is not YAML");
  }
}

function readList(value: unknown): readonly string[] {
  const given = flow(value);
  if (Array.isArray(given)) return given.map(textOf);
  return textOf(given)
    .split(",")
    .flatMap((part) => part.trim() || []);
}

function readLabels(value: unknown): Labels {
  const given = flow(value);
  if (given === null || given === "") return {};
  const entries =
    typeof given === "string"
      ? given.split(",").map((pair) => {
          const mark = pair.indexOf("=");
          if (mark < 1) throw new Mismatch("must be labels, like app=monitoring,release=monitoring");
          return [pair.slice(0, mark).trim(), pair.slice(mark + 1).trim()];
        })
      : typeof given === "object" && !Array.isArray(given)
        ? Object.entries(given as object)
        : undefined;
  if (!entries) throw new Mismatch("must be labels, like {app: monitoring}");
  return Object.fromEntries(
    entries.map(([key, text]) => {
      if (!LABEL_KEY.test(String(key))) throw new Mismatch(`${JSON.stringify(key)} is no name of a label`);
      return [String(key), textOf(text)];
    }),
  );
}

/**
 * Which alerts a channel gets: Alertmanager's matchers (`severity="critical", team=~"a|b"`) or, as Kyma has it, a label and an
 * expression (`severity: critical`). Answers matchers.
 */
function readMatchers(value: unknown): string {
  const text = textOf(value).trim();
  const pair = /^([a-zA-Z_][\w.]*):\s+(.+)$/.exec(text);
  const matchers = pair ? `${pair[1]}=~${JSON.stringify(pair[2].replace(/^(["'])(.*)\1$/, "$2"))}` : text;
  if (matchers === "") return "";
  try {
    const route = { receiver: "a", routes: [{ receiver: "a", matchers: [matchers] }] };
    loadAlertmanagerConfig(JSON.stringify({ route, receivers: [{ name: "a" }] }), { file: "" });
  } catch {
    throw new Mismatch('must be matchers, like severity="critical"');
  }
  return matchers;
}

const READERS: { readonly [K in ValueType]: (value: unknown) => ValueTypes[K] } = {
  string: textOf,
  boolean: (value) => {
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return false;
    throw new Mismatch("must be true or false");
  },
  integer: (value) => {
    const text = textOf(value);
    if (!/^\d{1,9}$/.test(text)) throw new Mismatch("must be a whole number");
    return Number(text);
  },
  duration: (value) => {
    const text = textOf(value);
    try {
      if (text !== "") parseDuration(text);
    } catch {
      throw new Mismatch("must be a duration, like 30d or 2h30m");
    }
    return text;
  },
  bytes: (value) => {
    const text = textOf(value);
    try {
      if (text !== "") parseBytes(text);
    } catch {
      throw new Mismatch("must be a size, like 15GB");
    }
    return text;
  },
  quantity: matching(QUANTITY, "must be a quantity, like 500m or 2Gi"),
  name: matching(DNS_LABEL, "must be a name of small letters, digits and dashes"),
  list: readList,
  labels: readLabels,
  matchers: readMatchers,
  url: (value) => {
    const text = textOf(value);
    if (text !== "" && !(URL.canParse(text) && /^https?:/.test(text))) throw new Mismatch("must be an http(s) URL");
    return text;
  },
};

/** Throws a UserError that names the value and what it must be, and never says what a secret one was. */
export function readValue<K extends ValueType>(
  path: string,
  type: K,
  value: unknown,
  { secret = false, where = {} }: { secret?: boolean; where?: UserError["where"] } = {},
): ValueTypes[K] {
  try {
    return READERS[type](value);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    const shown = secret ? "" : `, got ${JSON.stringify(value)?.slice(0, 80)}`;
    throw new UserError("install.value", `${error.message}${shown}`, { where: { ...where, field: path } });
  }
}
