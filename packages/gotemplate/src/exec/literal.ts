/** Constants of a template, by themselves and as arguments of a type. */
import { prepareArgument } from "../builtins.ts";
import type { BoolNode, NumberNode, StringNode } from "../node.ts";
import { printNode } from "../node.ts";
import { isComplex, isFloat, isInt, isUint, type Type } from "../value/type.ts";
import { bool, boxed, complex, float, int, string, Value } from "../value/value.ts";
import type { Frame } from "./frame.ts";

type Literal = BoolNode | NumberNode | StringNode;

/** The number in the type that its spelling tells: `1` is an int, `1.0` a float64. */
export function numberValue(frame: Frame, node: NumberNode): Value {
  frame.node = node;
  const isRune = node.text.startsWith("'");
  const isHexInt = /^[-+]?0[xX]/.test(node.text) && !/[pP]/.test(node.text);
  if (node.complex) return complex(node.complex.re, node.complex.im);
  if (node.float !== undefined && !isRune && !isHexInt && /[.eEpP]/.test(node.text)) return float(node.float);
  if (node.int !== undefined) return int(node.int);
  frame.fail(`${node.text} overflows int`);
}

function plainValue(frame: Frame, node: Literal): Value {
  if (node.kind === "bool") return bool(node.value);
  return node.kind === "string" ? string(node.text) : numberValue(frame, node);
}

/** A constant as a parameter of type `type` (undefined: any). */
export function literalArgument(frame: Frame, type: Type | undefined, node: Literal): Value {
  if (type === undefined || type.kind === "any value") return plainValue(frame, node);
  if (type.kind === "interface" && type.demands.length === 0) return boxed(plainValue(frame, node), type);
  const { kind } = type;
  const expected = (what: string): never => frame.fail(`expected ${what}; found ${printNode(node)}`);
  if (kind === "bool") return node.kind === "bool" ? new Value(type, node.value) : expected("bool");
  if (kind === "string") return node.kind === "string" ? new Value(type, node.text) : expected("string");
  const number = node.kind === "number" ? node : undefined;
  if (isInt(kind)) {
    return number?.int === undefined ? expected("integer") : prepareArgument(int(number.int), type);
  }
  if (isUint(kind)) {
    return number?.uint === undefined ? expected("unsigned integer") : prepareArgument(int(number.uint), type);
  }
  if (isFloat(kind)) {
    if (number?.float === undefined) return expected("float");
    return new Value(type, kind === "float32" ? Math.fround(number.float) : number.float);
  }
  if (isComplex(kind)) {
    const value = number?.complex ?? (number?.float === undefined ? undefined : { re: number.float, im: 0 });
    return value ? new Value(type, value) : expected("complex");
  }
  frame.fail(`can't handle ${printNode(node)} for arg of type ${type.name}`);
}
