/** Templates of notifications: the functions they may call, the defaults, and what the user's files define. */
import {
  ANY,
  BOOL,
  bool,
  fn,
  formatTime,
  HTML,
  type Moment,
  STRING,
  sliceOf,
  sprint,
  string,
  Template,
  TIME,
  textFn,
  Value,
  variadic,
} from "@pharos/gotemplate";
import { compileRe2, describeError, UserError } from "@pharos/model";
import { type NotificationData, templateData } from "./data.ts";
import { DEFAULT_TEMPLATES } from "./default-templates.ts";

function replaceAll(pattern: string, replacement: string, text: string): string {
  return compileRe2(pattern).matcher(text).replaceAll(replacement);
}

const FUNCTIONS = {
  toUpper: textFn((text) => text.toUpperCase()),
  toLower: textFn((text) => text.toLowerCase()),
  title: textFn((text) =>
    text.replace(
      /(^|[^\p{L}\p{N}'])(\p{L})/gu,
      (_all, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  ),
  trimSpace: textFn((text) => text.trim()),
  match: fn([STRING, STRING], BOOL, (pattern, text) => bool(compileRe2(pattern.text).matcher(text.text).find())),
  reReplaceAll: textFn((pattern, replacement, text) => replaceAll(pattern, replacement, text)),
  join: fn([STRING, STRING.slice], STRING, (separator, list) =>
    string(list.items.map((item) => item.text).join(separator.text)),
  ),
  safeHtml: fn([STRING], HTML, (text) => new Value(HTML, text.text)),
  urlUnescape: textFn((text) => decodeURIComponent(text.replaceAll("+", " "))),
  stringSlice: variadic([STRING], STRING.slice, (items) =>
    sliceOf(
      STRING,
      items.map((item) => item!),
    ),
  ),
  date: fn([STRING, TIME], STRING, (layout, moment) => string(formatTime(moment.v as Moment, layout.text))),
  toJson: fn([ANY], STRING, (value) => string(JSON.stringify(plain(value)))),
};

/** A Go value as plain data, for toJson. */
function plain(value: Value | undefined): unknown {
  if (!value) return null;
  switch (value.kind) {
    case "interface":
    case "ptr":
      return plain(value.inner ?? undefined);
    case "slice":
    case "array":
      return value.items.map(plain);
    case "map":
      return Object.fromEntries(value.map.sorted().map(({ key, value: item }) => [sprint([key]), plain(item)]));
    case "struct":
      return Object.fromEntries(value.type.fields.map(({ name }) => [name, plain(value.field(name))]));
    case "string":
      return value.text;
    case "bool":
      return value.v;
    default:
      return typeof value.v === "bigint" ? Number(value.v) : value.v;
  }
}

export interface Templates {
  /** Executes a text as a template over a notification. */
  expand(text: string, data: NotificationData, now: number): string;
}

export function createTemplates(files: readonly { path: string; text: string }[]): Templates {
  const base = new Template("", { funcs: FUNCTIONS }).parse(DEFAULT_TEMPLATES);
  for (const { path, text } of files) {
    try {
      base.parse(text);
    } catch (error) {
      throw new UserError("alertmanager.template", describeError(error), { where: { file: path }, cause: error });
    }
  }
  return {
    expand(text, data, now) {
      if (!text.includes("{{")) return text;
      return base.clone("").parse(text).execute(templateData(data, now));
    },
  };
}
