/** Grafana's transformations over frames, one function each; an unknown id leaves the frames and is reported. */
import {
  at,
  boolean,
  isObject,
  type Json,
  type JsonObject,
  number,
  object,
  objects,
  string,
  strings,
} from "../json.ts";
import { matches } from "./field-config.ts";
import { cell, type Field, type Frame, fieldFrom, fieldTitle, frameOf, pickRows } from "./frame.ts";
import { REDUCERS, reduce } from "./reduce.ts";

type Transform = (frames: Frame[], options: JsonObject) => Frame[];

const named = (field: Field, name: string): boolean => field.name === name || fieldTitle(field) === name;
const each =
  (work: (frame: Frame, options: JsonObject) => Frame): Transform =>
  (frames, options) =>
    frames.map((frame) => work(frame, options));

/** With several queries, "Value" becomes "Value #A" as dashboards refer to it. */
function withRefId(field: Field, frame: Frame, several: boolean): string {
  return several && field.name === "Value" && !field.labels ? `Value #${frame.refId}` : field.name;
}

const organize = each((frame, options) => {
  const exclude = object(options.excludeByName);
  const include = object(options.includeByName);
  const order = object(options.indexByName);
  const rename = object(options.renameByName);
  const onlyIncluded = Object.values(include).some((value) => value === true);
  const key = (field: Field, map: JsonObject): Json | undefined => map[fieldTitle(field)] ?? map[field.name];
  const kept = frame.fields.filter((field) =>
    onlyIncluded ? key(field, include) === true : key(field, exclude) !== true,
  );
  const place = (field: Field): number => number(key(field, order)) ?? Number.MAX_SAFE_INTEGER;
  const sorted = kept
    .map((field, index) => ({ field, index }))
    .sort((a, b) => place(a.field) - place(b.field) || a.index - b.index);
  const fields = sorted.map(({ field }) => {
    const name = string(key(field, rename));
    return name === "" ? field : { ...field, name, displayName: name };
  });
  return { ...frame, fields };
});

/** Rows of all frames in one table; rows that agree on every column they share are one. */
const merge: Transform = (frames) => {
  const filled = frames.filter((frame) => frame.length > 0);
  if (filled.length === 0) return frames.slice(0, 1);
  const several = new Set(filled.map((frame) => frame.refId)).size > 1;
  const columns: string[] = [];
  const likes = new Map<string, Field>();
  const rows: Map<string, number | string>[] = [];
  const index = new Map<string, number>();
  const seriesNamed = filled.some((frame) => frame.fields.some((field) => field.labels));
  for (const frame of filled) {
    const names = frame.fields.map((field) => withRefId(field, frame, several));
    const labels = frame.fields.find((field) => field.labels)?.labels;
    for (const [at, field] of frame.fields.entries()) {
      if (!likes.has(names[at]!)) {
        columns.push(names[at]!);
        likes.set(names[at]!, { ...field, displayName: undefined, labels: undefined });
      }
    }
    for (let row = 0; row < frame.length; row++) {
      const entry = new Map<string, number | string>();
      if (seriesNamed && labels)
        for (const [name, value] of Object.entries(labels)) if (name !== "__name__") entry.set(name, value);
      frame.fields.forEach((field, at) => void entry.set(names[at]!, cell(field, row)));
      const identity = JSON.stringify([...entry].filter(([name]) => !name.startsWith("Value")).sort());
      const known = index.get(identity);
      const target = known === undefined ? undefined : rows[known]!;
      const clash = target && [...entry].some(([name, value]) => target.has(name) && target.get(name) !== value);
      if (target && !clash) for (const [name, value] of entry) target.set(name, value);
      else {
        index.set(identity, rows.length);
        rows.push(entry);
      }
      for (const name of entry.keys()) {
        if (!likes.has(name)) {
          columns.splice(Math.max(0, columns.length - 1), 0, name);
          likes.set(name, { name, type: "string", values: [] });
        }
      }
    }
  }
  const fields = columns.map((name) => {
    const like = likes.get(name)!;
    const empty = like.type === "string" ? "" : Number.NaN;
    return fieldFrom(
      name,
      rows.map((row) => row.get(name) ?? empty),
      like,
    );
  });
  return [frameOf(filled[0]!.refId, fields)];
};

/** Outer (or inner) join on one column, by default the time. */
const joinByField: Transform = (frames, options) => {
  const wanted = string(options.byField);
  const keyOf = (frame: Frame): Field | undefined =>
    frame.fields.find((field) => (wanted ? named(field, wanted) : field.type === "time"));
  const able = frames.filter((frame) => keyOf(frame));
  if (able.length < 2) return frames;
  const inner = options.mode === "inner";
  const several = new Set(able.map((frame) => frame.refId)).size > 1;
  const keys = new Map<number | string, number>();
  const places = able.map((frame) => {
    const key = keyOf(frame)!;
    const rows = new Map<number | string, number>();
    for (let row = 0; row < frame.length; row++) rows.set(cell(key, row), row);
    return rows;
  });
  for (const rows of places) for (const value of rows.keys()) if (!keys.has(value)) keys.set(value, keys.size);
  let order = [...keys.keys()];
  if (inner) order = order.filter((value) => places.every((rows) => rows.has(value)));
  if (order.every((value) => typeof value === "number")) order.sort((a, b) => (a as number) - (b as number));
  const firstKey = keyOf(able[0]!)!;
  const fields: Field[] = [fieldFrom(firstKey.name, order, firstKey)];
  const taken = new Map<string, number>();
  for (const [at, frame] of able.entries()) {
    const rows = order.map((value) => places[at]!.get(value) ?? -1);
    for (const field of frame.fields) {
      if (field === keyOf(frame)) continue;
      const name = withRefId(field, frame, several);
      const count = (taken.get(name) ?? 0) + 1;
      taken.set(name, count);
      fields.push({ ...pickRows(field, rows), name: count > 1 && !field.labels ? `${name} ${count}` : name } as Field);
    }
  }
  return [frameOf(able[0]!.refId, fields)];
};

const groupBy = each((frame, options) => {
  const config = object(options.fields);
  const setting = (field: Field): JsonObject => object(config[fieldTitle(field)] ?? config[field.name]);
  const keys = frame.fields.filter((field) => setting(field).operation === "groupby");
  if (keys.length === 0) return frame;
  const groups = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row++) {
    const id = JSON.stringify(keys.map((key) => cell(key, row)));
    const rows = groups.get(id);
    if (rows) rows.push(row);
    else groups.set(id, [row]);
  }
  const all = [...groups.values()];
  const fields: Field[] = keys.map((key) =>
    pickRows(
      key,
      all.map((rows) => rows[0]!),
    ),
  );
  for (const field of frame.fields) {
    if (setting(field).operation !== "aggregate") continue;
    for (const reducer of strings(setting(field).aggregations)) {
      const values = all.map((rows) =>
        field.type === "string"
          ? reducer === "count"
            ? rows.length
            : cell(field, reducer.startsWith("first") ? rows[0]! : rows.at(-1)!)
          : reduce(
              rows.map((row) => field.values[row]!),
              reducer,
            ),
      );
      fields.push(fieldFrom(`${fieldTitle(field)} (${reducer})`, values));
    }
  }
  return frameOf(frame.refId, fields);
});

const sortBy = each((frame, options) => {
  const [first] = objects(options.sort);
  const key = first && frame.fields.find((field) => named(field, string(first.field)));
  if (!key) return frame;
  const sign = boolean(first.desc) ? -1 : 1;
  const rows = Array.from({ length: frame.length }, (_, row) => row).sort((a, b) => {
    const left = cell(key, a);
    const right = cell(key, b);
    return sign * (left < right ? -1 : left > right ? 1 : 0);
  });
  return { ...frame, fields: frame.fields.map((field) => pickRows(field, rows)) };
});

const filterFieldsByName = each((frame, options) => {
  const includes = object(options.include);
  const excludes = object(options.exclude);
  const hits = (rule: JsonObject, field: Field): boolean => {
    if (strings(rule.names).some((name) => named(field, name))) return true;
    const text = string(rule.pattern);
    return text !== "" && matches({ id: "byRegexp", options: text }, field, frame);
  };
  const has = (rule: JsonObject): boolean => strings(rule.names).length > 0 || string(rule.pattern) !== "";
  const fields = frame.fields.filter(
    (field) => (!has(includes) || hits(includes, field)) && !(has(excludes) && hits(excludes, field)),
  );
  return { ...frame, fields };
});

const reduceTransform: Transform = (frames, options) => {
  const reducers = strings(options.reducers);
  const wanted = reducers.length > 0 ? reducers : ["max"];
  if (options.mode === "reduceFields") {
    return frames.map((frame) =>
      frameOf(
        frame.refId,
        frame.fields
          .filter((field) => field.type === "number")
          .map((field) => fieldFrom(fieldTitle(field), [reduce(field.values as Float64Array, wanted[0]!)])),
      ),
    );
  }
  const fields = frames.flatMap((frame) => frame.fields.filter((field) => field.type === "number"));
  const labelNames = boolean(options.labelsToFields)
    ? [...new Set(fields.flatMap((field) => Object.keys(field.labels ?? {})))].sort()
    : [];
  return [
    frameOf(frames[0]?.refId ?? "A", [
      { name: "Field", type: "string", values: fields.map(fieldTitle) },
      ...labelNames.map((name) => ({
        name,
        type: "string" as const,
        values: fields.map((field) => field.labels?.[name] ?? ""),
      })),
      ...wanted.map((reducer) =>
        fieldFrom(
          REDUCERS[reducer] ?? reducer,
          fields.map((field) => reduce(field.values as Float64Array, reducer)),
        ),
      ),
    ]),
  ];
};

const labelsToFields: Transform = (frames, options) => {
  const keep = strings(options.keepLabels);
  const value = string(options.valueLabel);
  const labelled = frames.map((frame) => {
    const labels = frame.fields.find((field) => field.labels)?.labels ?? {};
    const chosen = Object.keys(labels).filter(
      (name) => name !== value && name !== "__name__" && (keep.length === 0 || keep.includes(name)),
    );
    const fields: Field[] = [];
    for (const field of frame.fields) {
      if (field.type === "time") {
        fields.push(
          field,
          ...chosen.map((name) => ({
            name,
            type: "string" as const,
            values: new Array<string>(frame.length).fill(labels[name]!),
          })),
        );
      } else {
        const name = value && labels[value] ? labels[value] : field.name;
        fields.push({ ...field, name, labels: undefined, displayName: undefined } as Field);
      }
    }
    return frameOf(frame.refId, fields);
  });
  return merge(labelled, {});
};

const renameByRegex = each((frame, options) => {
  const text = string(options.regex);
  let regex: RegExp;
  try {
    const slashed = /^\/([\s\S]*)\/(\w*)$/.exec(text);
    regex = slashed ? new RegExp(slashed[1]!, slashed[2]) : new RegExp(text);
  } catch {
    return frame;
  }
  const pattern = string(options.renamePattern);
  return {
    ...frame,
    fields: frame.fields.map((field) =>
      field.type === "time" ? field : { ...field, displayName: fieldTitle(field).replace(regex, pattern) },
    ),
  };
});

const filterByValue = each((frame, options) => {
  const filters = objects(options.filters).map((filter) => ({
    field: frame.fields.find((field) => named(field, string(filter.fieldName))),
    id: string(at(filter, "config", "id")),
    value: at(filter, "config", "options", "value"),
    from: number(at(filter, "config", "options", "from")),
    to: number(at(filter, "config", "options", "to")),
  }));
  const test = (filter: (typeof filters)[number], row: number): boolean => {
    if (!filter.field) return false;
    const value = cell(filter.field, row);
    const limit = number(filter.value) ?? 0;
    const empty = value === "" || (typeof value === "number" && Number.isNaN(value));
    switch (filter.id) {
      case "greater":
        return Number(value) > limit;
      case "greaterOrEqual":
        return Number(value) >= limit;
      case "lower":
        return Number(value) < limit;
      case "lowerOrEqual":
        return Number(value) <= limit;
      case "equal":
        return String(value) === string(filter.value);
      case "notEqual":
        return String(value) !== string(filter.value);
      case "between":
        return Number(value) >= (filter.from ?? 0) && Number(value) <= (filter.to ?? 0);
      case "isNull":
        return empty;
      case "isNotNull":
        return !empty;
      case "regex":
        return matches(
          { id: "byRegexp", options: filter.value },
          { name: String(value), type: "string", values: [] },
          frame,
        );
      default:
        return false;
    }
  };
  const all = options.match === "all";
  const rows: number[] = [];
  for (let row = 0; row < frame.length; row++) {
    const hit = all ? filters.every((filter) => test(filter, row)) : filters.some((filter) => test(filter, row));
    if (hit === (options.type !== "exclude")) rows.push(row);
  }
  return { ...frame, length: rows.length, fields: frame.fields.map((field) => pickRows(field, rows)) };
});

const seriesToRows: Transform = (frames) => {
  const times: number[] = [];
  const metrics: string[] = [];
  const values: number[] = [];
  for (const frame of frames) {
    const time = frame.fields.find((field) => field.type === "time");
    for (const field of frame.fields) {
      if (field.type !== "number" || !time) continue;
      for (let row = 0; row < frame.length; row++) {
        times.push(Number(cell(time, row)));
        metrics.push(fieldTitle(field));
        values.push(field.values[row]!);
      }
    }
  }
  const order = times.map((_, row) => row).sort((a, b) => times[b]! - times[a]!);
  const fields: Field[] = [
    { name: "Time", type: "time", values: Float64Array.from(times) },
    { name: "Metric", type: "string", values: metrics },
    { name: "Value", type: "number", values: Float64Array.from(values) },
  ];
  return [
    frameOf(
      frames[0]?.refId ?? "A",
      fields.map((field) => pickRows(field, order)),
    ),
  ];
};

const calculateField = each((frame, options) => {
  const alias = string(options.alias);
  const numbers = frame.fields.filter((field) => field.type === "number");
  let name = alias;
  let values: Float64Array | undefined;
  if (options.mode === "binary") {
    const { binary } = options;
    const operand = (raw: Json | undefined): ((row: number) => number) | undefined => {
      const text = isObject(raw) ? string(at(raw, "matcher", "options")) || string(raw.fixed) : string(raw);
      const field = numbers.find((candidate) => named(candidate, text));
      if (field) return (row) => field.values[row] as number;
      const fixed = number(text);
      return fixed === undefined ? undefined : () => fixed;
    };
    const left = operand(at(binary, "left"));
    const right = operand(at(binary, "right"));
    const operator = string(at(binary, "operator"), "+");
    name ||= `${string(at(binary, "left"))} ${operator} ${string(at(binary, "right"))}`;
    if (!left || !right) return frame;
    const compute: Record<string, (a: number, b: number) => number> = {
      "+": (a, b) => a + b,
      "-": (a, b) => a - b,
      "*": (a, b) => a * b,
      "/": (a, b) => a / b,
      "**": (a, b) => a ** b,
      "%": (a, b) => a % b,
    };
    values = Float64Array.from(
      { length: frame.length },
      (_, row) => compute[operator]?.(left(row), right(row)) ?? Number.NaN,
    );
  } else {
    const reducer = string(at(options.reduce, "reducer"), "sum");
    const include = strings(at(options.reduce, "include"));
    const used =
      include.length > 0 ? numbers.filter((field) => include.some((wanted) => named(field, wanted))) : numbers;
    name ||= REDUCERS[reducer] ?? reducer;
    values = Float64Array.from({ length: frame.length }, (_, row) =>
      reduce(
        used.map((field) => field.values[row] as number),
        reducer,
      ),
    );
  }
  const added: Field = { name, type: "number", values };
  const fields = boolean(options.replaceFields)
    ? [...frame.fields.filter((field) => field.type === "time"), added]
    : [...frame.fields, added];
  return { ...frame, fields };
});

const limit = each((frame, options) => {
  const count = Math.min(frame.length, number(options.limitField) ?? 10);
  const rows = Array.from({ length: count }, (_, row) => row);
  return { ...frame, length: count, fields: frame.fields.map((field) => pickRows(field, rows)) };
});

const filterByRefId: Transform = (frames, options) => {
  const wanted = string(options.include);
  return wanted
    ? frames.filter((frame) =>
        matches(
          { id: "byRegexp", options: `^(?:${wanted.replace(/^\/|\/$/g, "")})$` },
          { name: frame.refId, type: "string", values: [] },
          frame,
        ),
      )
    : frames;
};

export const TRANSFORMS: Record<string, Transform> = {
  organize,
  merge,
  joinByField,
  seriesToColumns: joinByField,
  groupBy,
  sortBy,
  filterFieldsByName,
  reduce: reduceTransform,
  labelsToFields,
  renameByRegex,
  filterByValue,
  seriesToRows,
  calculateField,
  limit,
  filterByRefId,
};

export interface Transformed {
  frames: Frame[];
  /** Ids that are not known and were passed over. */
  unknown: string[];
}

export function transform(frames: Frame[], transformations: readonly JsonObject[]): Transformed {
  const unknown: string[] = [];
  let current = frames;
  for (const step of transformations) {
    if (step.disabled === true) continue;
    const known = TRANSFORMS[string(step.id)];
    if (!known) unknown.push(string(step.id));
    else current = known(current, object(step.options));
  }
  return { frames: current, unknown };
}
