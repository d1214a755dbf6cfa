/** Values as arguments: how many, of which type. */
import type { Operand } from "../node.ts";
import { ANY_VALUE, canBeNil, type GoFunc, type Type } from "../value/type.ts";
import { boxed, pointerTo, Value, zero } from "../value/value.ts";
import type { Frame } from "./frame.ts";

/** Stands for the value piped into a command when there is none. */
export const NOTHING_PIPED = new Value(ANY_VALUE, null);

/** Fails unless the function takes as many arguments as the command gives (its first operand is the function). */
export function countArguments(
  frame: Frame,
  func: GoFunc,
  name: string,
  args: readonly Operand[],
  final: Value | undefined,
): void {
  const given = Math.max(args.length - 1, 0);
  const total = given + (final === NOTHING_PIPED ? 0 : 1);
  const { length } = func.params;
  if (func.variadic) {
    if (total < length - 1) frame.fail(`wrong number of args for ${name}: want at least ${length - 1} got ${given}`);
  } else if (total !== length) frame.fail(`wrong number of args for ${name}: want ${length} got ${total}`);
}

/** A value as a parameter of type `type` (undefined: any). */
export function asArgument(frame: Frame, value: Value | undefined, type: Type | undefined): Value | undefined {
  if (type === ANY_VALUE) return value;
  if (value === undefined) {
    if (type === undefined) return undefined;
    if (canBeNil(type)) return zero(type);
    frame.fail(`invalid value; expected ${type.name}`);
  }
  if (type === undefined || value.type.assignableTo(type)) {
    return type?.kind === "interface" ? boxed(value, type) : value;
  }
  let given = value;
  if (given.kind === "interface" && given.inner) {
    given = given.inner;
    if (given.type.assignableTo(type)) return given;
  }
  if (given.kind === "ptr" && given.type.elem!.assignableTo(type)) {
    if (given.inner === null) frame.fail(`dereference of nil pointer of type ${type.name}`);
    return given.inner;
  }
  if (given.addressable && given.type.pointer.assignableTo(type)) return pointerTo(given);
  frame.fail(`wrong type for value; expected ${type.name}; got ${given.type.name}`);
}

/** What `nil` is as an argument. */
export function nilArgument(frame: Frame, type: Type | undefined): Value | undefined {
  if (type === ANY_VALUE) return undefined;
  if (type && canBeNil(type)) return zero(type);
  frame.fail(`cannot assign nil to ${type?.name ?? "nothing"}`);
}
