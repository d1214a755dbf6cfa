/** Number constants of a template: one literal may serve as int, uint, float and complex. */
import type { NumberNode } from "./node.ts";
import { parseFloatGo, parseInteger } from "./text/number.ts";
import { quote, unquoteChar } from "./text/quote.ts";

const MAX_INT64 = (1n << 63n) - 1n;
const MIN_INT64 = -(1n << 63n);
const MAX_UINT64 = (1n << 64n) - 1n;

/** A number node, or the message why the text is none. */
export function parseConstant(
  kind: "charconst" | "complex" | "number",
  text: string,
  pos: number,
): NumberNode | string {
  const node: NumberNode = {
    kind: "number",
    pos,
    text,
    int: undefined,
    uint: undefined,
    float: undefined,
    complex: undefined,
  };
  if (kind === "charconst") {
    const first = unquoteChar(text.slice(1), "'");
    if (!first) return "invalid syntax";
    if (first.rest !== "'") return `malformed character constant: ${text}`;
    const { char } = first;
    const raw = char.charCodeAt(0);
    const code = BigInt(raw >= 0xdc80 && raw <= 0xdcff && char.length === 1 ? raw - 0xdc00 : char.codePointAt(0)!);
    return { ...node, int: code, uint: code, float: Number(code) };
  }
  if (kind === "complex") {
    const split = /^([+-]?.*?[^eEpP])([+-].*)i$/.exec(text);
    const re = split && parseFloatGo(split[1]);
    const im = split && parseFloatGo(split[2]);
    if (!re || !im) return "syntax error scanning complex number";
    return simplify({ ...node, complex: { re: re.value, im: im.value } });
  }
  if (text.endsWith("i")) {
    const imaginary = parseFloatGo(text.slice(0, -1));
    if (imaginary && !imaginary.range) return simplify({ ...node, complex: { re: 0, im: imaginary.value } });
  }
  const integer = parseInteger(text);
  if (integer !== undefined && !/^[-+]/.test(text) && integer <= MAX_UINT64) node.uint = integer;
  if (integer !== undefined && integer >= MIN_INT64 && integer <= MAX_INT64) {
    node.int = integer;
    if (integer === 0n) node.uint = 0n;
  }
  if (node.int !== undefined) node.float = Number(node.int);
  else if (node.uint !== undefined) node.float = Number(node.uint);
  else {
    const float = parseFloatGo(text);
    if (float && !float.range) {
      if (!/[.eEpP]/.test(text)) return `integer overflow: ${quote(text)}`;
      node.float = float.value;
      takeIntegers(node);
    }
  }
  return node.int === undefined && node.uint === undefined && node.float === undefined
    ? `illegal number syntax: ${quote(text)}`
    : node;
}

/** A whole float in range also serves as an integer. */
function takeIntegers(node: NumberNode): void {
  const { float } = node;
  if (float === undefined || !Number.isInteger(float)) return;
  const whole = BigInt(float);
  if (whole >= MIN_INT64 && whole <= MAX_INT64) node.int = whole;
  if (whole >= 0n && whole <= MAX_UINT64) node.uint = whole;
}

/** A complex constant without imaginary part also serves as a real one. */
function simplify(node: NumberNode): NumberNode {
  if (node.complex!.im === 0) {
    node.float = node.complex!.re;
    takeIntegers(node);
  }
  return node;
}
