/** The functions every template has (Go's text/template/funcs.go), save `and` and `or`, which the executor short-circuits. */
import { compare, equal } from "./compare.ts";
import { sprint, sprintf, sprintln } from "./fmt/print.ts";
import { hasText } from "./fmt/verbs.ts";
import { htmlEscape, jsEscape, queryEscape } from "./text/escape.ts";
import { byteLength, sliceBytes, toBytes } from "./text/utf8.ts";
import { fn, variadic } from "./value/function.ts";
import { ANY, ANY_VALUE, BOOL, type GoFunc, INT, isInt, isUint, STRING, type Type, UINT8 } from "./value/type.ts";
import { bool, indirect, int, isTrue, string, unbox, Value, zero } from "./value/value.ts";

/** A value as an argument of type `type`; constants of one integer type serve any other. */
export function prepareArgument(argument: Value | undefined, type: Type): Value {
  if (argument === undefined) {
    if (/^(interface|ptr|map|slice|func)$/.test(type.kind)) return zero(type);
    throw new Error(`value is nil; should be of type ${type.name}`);
  }
  if (argument.type.assignableTo(type)) return argument;
  const inner = unbox(argument);
  if (inner?.type.assignableTo(type)) return inner;
  const isWhole = (kind: Type["kind"]): boolean => isInt(kind) || isUint(kind);
  if (inner && isWhole(inner.kind) && isWhole(type.kind)) return new Value(type, inner.int);
  throw new Error(`value has type ${argument.type.name}; should be ${type.name}`);
}

function indexArgument(value: Value | undefined, capacity: number): number {
  if (value === undefined) throw new Error("cannot index slice/array with nil");
  if (!isInt(value.kind) && !isUint(value.kind)) {
    throw new Error(`cannot index slice/array with type ${value.type.name}`);
  }
  if (value.int < 0n || value.int > BigInt(capacity)) throw new Error(`index out of range: ${value.int}`);
  return Number(value.int);
}

function indexInto(container: Value | undefined, indexes: readonly (Value | undefined)[]): Value | undefined {
  let item = unbox(container);
  if (item === undefined) throw new Error("index of untyped nil");
  for (const index of indexes) {
    const { value, isNil } = indirect(item);
    if (isNil || value === undefined) throw new Error("index of nil pointer");
    if (value.kind === "slice" || value.kind === "array" || value.kind === "string") {
      const bytes = value.kind === "string" ? toBytes(value.text) : undefined;
      const length = bytes ? bytes.length : value.items.length;
      const at = indexArgument(unbox(index), length);
      if (at === length) throw new Error(`reflect: ${value.kind} index out of range`);
      if (bytes) item = new Value(UINT8, BigInt(bytes[at]));
      else {
        item = value.items[at];
        if (value.kind === "slice" || value.addressable) item.addressable = true;
      }
    } else if (value.kind === "map") {
      item = value.map.get(prepareArgument(unbox(index), value.type.key!)) ?? zero(value.type.elem!);
    } else throw new Error(`can't index item of type ${value.type.name}`);
  }
  return item;
}

function sliceItem(container: Value | undefined, indexes: readonly (Value | undefined)[]): Value {
  const item = unbox(container);
  if (item === undefined) throw new Error("slice of untyped nil");
  if (indexes.length > 3) throw new Error(`too many slice indexes: ${indexes.length}`);
  const { value, isNil } = indirect(item);
  if (isNil || value === undefined) throw new Error("slice of nil pointer");
  if (value.kind === "string" && indexes.length === 3) throw new Error("cannot 3-index slice a string");
  const isList = value.kind === "slice" || value.kind === "array";
  if (value.kind !== "string" && !isList) throw new Error(`can't slice item of type ${value.type.name}`);
  const capacity = isList ? value.items.length + value.spare.length : byteLength(value.text);
  const bounds = [0, isList ? value.items.length : capacity];
  indexes.forEach((index, i) => {
    // Not unboxed: Go refuses an index out of a container of interfaces.
    bounds[i] = indexArgument(index, capacity);
  });
  for (let i = 1; i < bounds.length; i++) {
    if (bounds[i - 1] > bounds[i]) throw new Error(`invalid slice index: ${bounds[i - 1]} > ${bounds[i]}`);
  }
  if (!isList) return string(sliceBytes(value.text, bounds[0], bounds[1]));
  const all = value.spare.length > 0 ? [...value.items, ...value.spare] : value.items;
  const cut = new Value(value.kind === "slice" ? value.type : value.type.elem!.slice, all.slice(bounds[0], bounds[1]));
  cut.spare = all.slice(bounds[1], bounds[2]);
  return cut;
}

function lengthOf(argument: Value | undefined): Value {
  if (argument === undefined) throw new Error("reflect: call of reflect.Value.Type on zero Value");
  const { value, isNil } = indirect(argument);
  if (isNil || value === undefined) throw new Error("len of nil pointer");
  switch (value.kind) {
    case "string":
      return int(byteLength(value.text));
    case "slice":
    case "array":
      return int(value.items.length);
    case "map":
      return int(value.map.size);
    default:
      throw new Error(`len of type ${value.type.name}`);
  }
}

/** Calls a function value given as data; `name` is how the template spells it. */
export function callValue(
  name: string,
  callee: Value | undefined,
  args: readonly (Value | undefined)[],
): Value | undefined {
  const value = unbox(callee);
  if (value === undefined) throw new Error("call of nil");
  if (value.kind !== "func") throw new Error(`non-function ${name} of type ${value.type.name}`);
  const func = value.func;
  if (func === null) throw new Error("call of nil");
  const fixed = func.variadic ? func.params.length - 1 : func.params.length;
  if (func.variadic ? args.length < fixed : args.length !== fixed) {
    const want = func.variadic ? `at least ${fixed}` : String(fixed);
    throw new Error(`wrong number of args for ${name}: got ${args.length} want ${want}`);
  }
  const prepared = args.map((arg, i) => {
    try {
      return prepareArgument(unbox(arg), func.params[Math.min(i, func.params.length - 1)]);
    } catch (error) {
      throw new Error(`arg ${i}: ${(error as Error).message}`);
    }
  });
  return func.call(prepared);
}

/** Arguments as html, js and urlquery take them: joined as print joins, a missing one as `<no value>`. */
export function evaluateArguments(args: readonly (Value | undefined)[]): string {
  const [only] = args;
  if (args.length === 1 && only?.kind === "string") return only.text;
  return sprint(args.map((arg) => printable(arg)));
}

/** What of a value is printed: pointers followed, nothing as `<no value>`. */
export function printable(argument: Value | undefined): Value {
  let value = argument;
  if (value?.kind === "interface") value = value.inner ?? undefined;
  if (value?.kind === "ptr" && !hasText(value.type)) value = indirect(value).value;
  return value ?? string("<no value>");
}

const comparison = (test: (a: Value | undefined, b: Value | undefined) => boolean): GoFunc =>
  fn([ANY_VALUE, ANY_VALUE], BOOL, (a, b) => bool(test(a, b)));

export const BUILTINS: Readonly<Record<string, GoFunc>> = {
  and: variadic([ANY_VALUE, ANY_VALUE], ANY_VALUE, ([value]) => value),
  or: variadic([ANY_VALUE, ANY_VALUE], ANY_VALUE, ([value]) => value),
  not: fn([ANY_VALUE], BOOL, (value) => bool(!isTrue(value))),
  len: fn([ANY_VALUE], INT, lengthOf),
  index: variadic([ANY_VALUE, ANY_VALUE], ANY_VALUE, ([item, ...indexes]) => indexInto(item, indexes)),
  slice: variadic([ANY_VALUE, ANY_VALUE], ANY_VALUE, ([item, ...indexes]) => sliceItem(item, indexes)),
  call: variadic([ANY_VALUE, ANY_VALUE], ANY_VALUE, () => undefined),
  print: variadic([ANY], STRING, (args) => string(sprint(args))),
  println: variadic([ANY], STRING, (args) => string(sprintln(args))),
  printf: variadic([STRING, ANY], STRING, ([format, ...args]) => string(sprintf(format!.text, args))),
  html: variadic([ANY], STRING, (args) => string(htmlEscape(evaluateArguments(args)))),
  js: variadic([ANY], STRING, (args) => string(jsEscape(evaluateArguments(args)))),
  urlquery: variadic([ANY], STRING, (args) => string(queryEscape(evaluateArguments(args)))),
  eq: variadic([ANY_VALUE, ANY_VALUE], BOOL, ([first, ...others]) => bool(equal(first, others))),
  ne: comparison((a, b) => !equal(a, [b])),
  lt: comparison((a, b) => compare(a, b) === "less"),
  le: comparison((a, b) => {
    const order = compare(a, b);
    return order === "less" || order === "equal";
  }),
  gt: comparison((a, b) => compare(a, b) === "more"),
  ge: comparison((a, b) => {
    const order = compare(a, b);
    return order === "more" || order === "equal";
  }),
};
