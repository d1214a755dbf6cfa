/** Validation rules of CRD schemas in CEL (`x-kubernetes-validations`), with the API server's words. */
import { Environment } from "@marcbachmann/cel-js";
import { resolve, type Schema, type SchemaRule } from "./schema.ts";
import type { StatusCause } from "./status-error.ts";

/** The server asks for bounded work too: a rule that needs more is refused as broken. */
const LIMITS = {
  maxAstNodes: 20_000,
  maxDepth: 200,
  maxListElements: 1_000,
  maxMapEntries: 1_000,
  maxCallArguments: 32,
};
const environment = new Environment({ limits: LIMITS, unlistedVariablesAreDyn: false })
  .registerVariable("self", "dyn")
  .registerVariable("oldSelf", "dyn");

type Evaluate = (context: Record<string, unknown>) => unknown;
const compiled = new Map<string, Evaluate | Error>();

function compile(rule: string): Evaluate | Error {
  let found = compiled.get(rule);
  if (!found) {
    try {
      found = environment.parse(rule) as Evaluate;
    } catch (error) {
      found = error as Error;
    }
    if (compiled.size > 2_000) compiled.clear();
    compiled.set(rule, found);
  }
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** CEL tells integers from doubles; JSON does not, but the schema does. Nulls of unset fields do not exist for rules. */
function toCel(schema: Schema, value: unknown): unknown {
  const resolved = resolve(schema);
  if (typeof value === "number") {
    const whole = resolved.type === "integer" || resolved["x-kubernetes-int-or-string"];
    return whole && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => toCel(resolved.items ?? {}, item));
  if (!isRecord(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const more = typeof resolved.additionalProperties === "object" ? resolved.additionalProperties : {};
    const field = resolved.properties?.[name] ?? more;
    if (inner !== undefined && (inner !== null || resolve(field).nullable)) out[name] = toCel(field, inner);
  }
  return out;
}

function broken({ rule }: SchemaRule, error: unknown, field: string): StatusCause {
  const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: rule ${JSON.stringify(rule)} cannot be evaluated: ${why}`,
    field,
  };
}

function check(rule: SchemaRule, schema: Schema, value: unknown, old: unknown, path: string): StatusCause[] {
  const transition = /\boldSelf\b/.test(rule.rule);
  if (transition && old === undefined && !rule.optionalOldSelf) return [];
  const field = rule.fieldPath ? `${path}${rule.fieldPath}` : path;
  const evaluate = compile(rule.rule);
  if (evaluate instanceof Error) return [broken(rule, evaluate, field)];
  const context = { self: toCel(schema, value), oldSelf: old === undefined ? null : toCel(schema, old) };
  try {
    if (evaluate(context) === true) return [];
  } catch (error) {
    return [broken(rule, error, field)];
  }
  let message = rule.message ?? `failed rule: ${rule.rule}`;
  if (rule.messageExpression) {
    const words = compile(rule.messageExpression);
    try {
      if (!(words instanceof Error)) message = String(words(context));
    } catch {
      // The fixed message stands.
    }
  }
  const type = Array.isArray(value) ? "array" : typeof value;
  return [
    {
      reason: rule.reason ?? "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(type)}: ${message}`,
      field,
    },
  ];
}

/** What the rules of a schema and of everything below it say; `old` is the value before an update. */
export function checkRules(schema: Schema, value: unknown, old: unknown, path = ""): StatusCause[] {
  const resolved = resolve(schema);
  if (value === null || value === undefined) return [];
  const out: StatusCause[] = [];
  for (const rule of resolved["x-kubernetes-validations"] ?? []) out.push(...check(rule, resolved, value, old, path));
  if (Array.isArray(value)) {
    const { items } = resolved;
    // Items of an update are compared by position only where the schema gives them no identity: not at all, as upstream.
    if (items)
      for (const [i, item] of value.entries()) out.push(...checkRules(items, item, undefined, `${path}[${i}]`));
  } else if (isRecord(value)) {
    const before = isRecord(old) ? old : {};
    for (const [name, inner] of Object.entries(value)) {
      const more = typeof resolved.additionalProperties === "object" ? resolved.additionalProperties : undefined;
      const field = resolved.properties?.[name] ?? more;
      if (field) out.push(...checkRules(field, inner, before[name], path === "" ? name : `${path}.${name}`));
    }
  }
  return out;
}
