/** Just enough of WebAssembly's binary format to write down a kernel: one function over one memory. Instructions are byte runs. */

export type Code = readonly number[];

/** LEB128, signed. */
function signed(value: bigint): number[] {
  const out: number[] = [];
  for (let rest = value; ; ) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) return [...out, byte];
    out.push(byte | 0x80);
  }
}

function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...out, rest];
}

export const TYPE = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const;
const NO_RESULT = 0x40;

const code = (...parts: (number | Code)[]): Code => parts.flat();
/** An instruction behind its operands. */
const binary =
  (op: number) =>
  (a: Code, b: Code): Code =>
    code(a, b, op);
const unary =
  (op: number) =>
  (a: Code): Code =>
    code(a, op);

export const get = (local: number): Code => code(0x20, unsigned(local));
export const set = (local: number, value: Code): Code => code(value, 0x21, unsigned(local));
export const seq = (...parts: Code[]): Code => parts.flat();
export const when = (condition: Code, then: Code, otherwise?: Code): Code =>
  code(condition, 0x04, NO_RESULT, then, otherwise ? code(0x05, otherwise) : [], 0x0b);
/** Repeats `body` until it breaks out: `leave` from directly within, `leaveFrom(n)` from within n conditions. */
export const forever = (body: Code): Code => code(0x02, NO_RESULT, 0x03, NO_RESULT, body, 0x0c, 0, 0x0b, 0x0b);
export const leaveIf = (condition: Code): Code => code(condition, 0x0d, 1);
export const giveBack = (value: Code): Code => code(value, 0x0f);

export const i32 = {
  const: (value: number): Code => code(0x41, signed(BigInt(value))),
  add: binary(0x6a),
  sub: binary(0x6b),
  and: binary(0x71),
  or: binary(0x72),
  shl: binary(0x74),
  shiftRight: binary(0x76),
  eq: binary(0x46),
  above: binary(0x4b),
  atLeast: binary(0x4f),
  isZero: unary(0x45),
  of: unary(0xa7),
  load8: (at: Code): Code => code(at, 0x2d, 0, 0),
};

export const i64 = {
  const: (value: bigint): Code => code(0x42, signed(value)),
  add: binary(0x7c),
  sub: binary(0x7d),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  shl: binary(0x86),
  shiftRight: binary(0x88),
  eq: binary(0x51),
  above: binary(0x55),
  isNegative: (a: Code): Code => code(a, 0x42, 0, 0x53),
  isZero: unary(0x50),
  of: unary(0xad),
  store: (at: Code, value: Code): Code => code(at, value, 0x37, 0, 0),
  /** Eight bytes, the first one the highest: load64_zero, a shuffle that turns them around, extract_lane. */
  loadBigEndian: (at: Code): Code =>
    code(at, 0xfd, 0x5d, 0, 0, 0x22, unsigned(SHUFFLED), 0x20, unsigned(SHUFFLED), 0xfd, 0x0d, TURNED, 0xfd, 0x1d, 0),
};

export const f64 = {
  of: unary(0xb9),
  store: (at: Code, value: Code): Code => code(at, value, 0x39, 0, 0),
  below: binary(0x63),
  above: binary(0x64),
};

/** Local 0 behind the parameters is a vector, for `loadBigEndian`: kernels have this many parameters. */
export const PARAMETERS = 6;
const SHUFFLED = PARAMETERS;
const TURNED: Code = [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8];
const V128 = 0x7b;

function section(id: number, body: Code): Code {
  return code(id, unsigned(body.length), body);
}

/** A module that imports a memory as m.m and exports the function f with these parameters, locals behind the vector, and body. */
export function moduleOf(
  parameters: readonly number[],
  locals: readonly number[],
  body: Code,
): Uint8Array<ArrayBuffer> {
  const declared = [V128, ...locals];
  const text = code(unsigned(declared.length), ...declared.map((type) => code(1, type)), body, 0x0b);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, code(1, 0x60, unsigned(parameters.length), parameters, 1, TYPE.i32)),
    ...section(2, code(1, 1, 0x6d, 1, 0x6d, 0x02, 0x00, 1)),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0x00, 0]),
    ...section(10, code(1, unsigned(text.length), text)),
  ]);
}
