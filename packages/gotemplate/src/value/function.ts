/** Short ways to declare functions and methods. */
import { BOOL, type GoFunc, type Method, STRING, type Type } from "./type.ts";
import { bool, string, type Value } from "./value.ts";

/** A function of fixed parameters. */
export function fn(params: readonly Type[], result: Type, call: (...args: Value[]) => Value | undefined): GoFunc {
  return { params, variadic: false, result, call: (args) => call(...(args as Value[])) };
}

/** A function whose last parameter may be given any number of times. */
export function variadic(
  params: readonly Type[],
  result: Type,
  call: (args: (Value | undefined)[]) => Value | undefined,
): GoFunc {
  return { params, variadic: true, result, call };
}

/** Strings in, a string out. */
export function textFn(call: (...args: string[]) => string): GoFunc {
  return fn(new Array(call.length).fill(STRING), STRING, (...args) => string(call(...args.map((arg) => arg.text))));
}

/** Strings in, true or false out. */
export function textTest(call: (...args: string[]) => boolean): GoFunc {
  return fn(new Array(call.length).fill(STRING), BOOL, (...args) => bool(call(...args.map((arg) => arg.text))));
}

export function method(
  params: readonly Type[],
  result: Type,
  call: (receiver: Value, ...args: Value[]) => Value | undefined,
): Method {
  return { params, variadic: false, result, call: (receiver, args) => call(receiver, ...(args as Value[])) };
}

export function variadicMethod(
  params: readonly Type[],
  result: Type,
  call: (receiver: Value, args: (Value | undefined)[]) => Value | undefined,
): Method {
  return { params, variadic: true, result, call };
}
