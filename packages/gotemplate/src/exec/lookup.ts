/** `.Name`: a method of the value or its address, a field of a struct, a key of a map, in this order. */
import { quote } from "../text/quote.ts";
import type { GoFunc } from "../value/type.ts";
import { indirect, string, type Value, zero } from "../value/value.ts";
import type { MissingKey } from "./environment.ts";
import type { Frame } from "./frame.ts";

/** A method bound to its receiver, or the value found (undefined for a missing key). */
export type Found = { method: GoFunc } | { value: Value | undefined };

/** Fails when there is nothing of the name; `hasArguments` says whether the caller wants to call it. */
export function lookUp(
  frame: Frame,
  holder: Value | undefined,
  name: string,
  hasArguments: boolean,
  missingKey: MissingKey,
): Found {
  if (holder === undefined) {
    if (missingKey === "error") frame.fail(`nil data; no entry for key ${quote(name)}`);
    return { value: undefined };
  }
  const type = holder.type;
  const { value, isNil } = indirect(holder);
  const receiver = value!;
  if (receiver.kind === "interface" && isNil) frame.fail(`nil pointer evaluating ${type.name}.${name}`);
  const method = boundMethod(receiver, name);
  if (method) return { method };
  if (receiver.kind === "struct") {
    const field = receiver.field(name);
    if (field) {
      if (!/^\p{Lu}/u.test(name)) frame.fail(`${name} is an unexported field of struct type ${type.name}`);
      if (hasArguments) frame.fail(`${name} has arguments but cannot be invoked as function`);
      return { value: field };
    }
  } else if (receiver.kind === "map" && receiver.type.key!.kind === "string") {
    if (hasArguments) frame.fail(`${name} is not a method but has arguments`);
    const found = receiver.map.get(string(name));
    if (found) return { value: found };
    if (missingKey === "zero") return { value: zero(receiver.type.elem!) };
    if (missingKey === "error") frame.fail(`map has no entry for key ${quote(name)}`);
    return { value: undefined };
  } else if (receiver.kind === "ptr") {
    const element = receiver.type.elem!;
    const known = element.kind !== "struct" || element.fields.some((field) => field.name === name);
    if (known && isNil) frame.fail(`nil pointer evaluating ${type.name}.${name}`);
  }
  frame.fail(`can't evaluate field ${name} in type ${type.name}`);
}

/** A method of the value, or of its address when it has one, bound to it. */
function boundMethod(receiver: Value, name: string): GoFunc | undefined {
  let method = receiver.type.method(name);
  let self = receiver;
  if (!method && receiver.addressable) method = receiver.type.pointer.method(name);
  if (!method) return undefined;
  if (receiver.kind === "ptr" && receiver.inner && !method.pointer) self = receiver.inner;
  const bound = method;
  return { ...bound, call: (args) => bound.call(self, args) };
}
