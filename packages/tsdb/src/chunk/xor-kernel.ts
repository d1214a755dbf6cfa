/**
 * The loop of `decodeXor` as WebAssembly, which has integers of 64 bits: a value's bits are one shift instead of pieces for two
 * words. It does what the TypeScript beside it does, which tests hold it to and which takes its place where there is none.
 */
import {
  type Code,
  f64,
  forever,
  get,
  giveBack,
  i32,
  i64,
  leaveIf,
  moduleOf,
  PARAMETERS,
  seq,
  set,
  TYPE,
  when,
} from "./wasm-code.ts";

/** What Node has but its types do not. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface WebAssemblyOfNode {
  Memory: new (options: { initial: number }) => KernelMemory;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { exports: { f: unknown } };
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyOfNode };

/** Added to the number of rows when one of the values is NaN or infinite. */
export const SPECIAL = 1 << 20;

/**
 * Decodes the chunk at address 0 of `size` bytes and `count` samples. Rows with mint <= t <= maxt go to columns at `times` and
 * `values`; answers how many, or -1 for a chunk that ends too early. Behind the chunk 64 bytes must be readable.
 */
export type XorKernel = (
  size: number,
  count: number,
  times: number,
  values: number,
  mint: number,
  maxt: number,
) => number;

// Parameters, the vector, locals.
const [SIZE, COUNT, TIMES, VALUES, MINT, MAXT] = [0, 1, 2, 3, 4, 5];
const LOCALS = PARAMETERS + 1;
const [BIT, INDEX, ROWS, FLAG, SHIFT, LENGTH, TRAILING] = Array.from({ length: 7 }, (_, i) => LOCALS + i);
const [TIME, DELTA, VALUE, WORD, FIELD] = Array.from({ length: 5 }, (_, i) => LOCALS + 7 + i);
const ELAPSED = LOCALS + 12;

/** At least 57 bits from a position on, in the upper end of the word. */
const bitsAt = (position: Code): Code =>
  i64.shl(i64.loadBigEndian(i32.shiftRight(position, i32.const(3))), i64.of(i32.and(position, i32.const(7))));
const advance = (bits: Code): Code => set(BIT, i32.add(get(BIT), bits));
/** `size` bits of WORD behind its first `skip`. */
const field = (skip: number, size: number): Code =>
  i64.shiftRight(i64.shl(get(WORD), i64.const(BigInt(skip))), i64.const(BigInt(64 - size)));
const hasBit = (bit: number): Code => i64.isNegative(i64.shl(get(WORD), i64.const(BigInt(bit))));

/** LEB128 at BIT, which is at the beginning of a byte, into FIELD; as long as a 64-bit number may be. */
const uvarint = seq(
  set(FIELD, i64.const(0n)),
  set(SHIFT, i32.const(0)),
  forever(
    seq(
      set(LENGTH, i32.load8(i32.shiftRight(get(BIT), i32.const(3)))),
      set(FIELD, i64.or(get(FIELD), i64.shl(i64.of(i32.and(get(LENGTH), i32.const(0x7f))), i64.of(get(SHIFT))))),
      set(SHIFT, i32.add(get(SHIFT), i32.const(7))),
      advance(i32.const(8)),
      leaveIf(i32.isZero(i32.and(get(LENGTH), i32.const(0x80)))),
      leaveIf(i32.above(get(SHIFT), i32.const(63))),
    ),
  ),
);

/** Delta of deltas of `size` bits behind `skip` bits of prefix; upstream's ranges are odd: -(2^(n-1)-1) … 2^(n-1). */
const shortDelta = (skip: number, size: number): Code =>
  seq(
    set(FIELD, field(skip, size)),
    when(
      i64.above(get(FIELD), i64.const(1n << BigInt(size - 1))),
      set(FIELD, i64.sub(get(FIELD), i64.const(1n << BigInt(size)))),
    ),
    advance(i32.const(skip + size)),
  );

const halves = (second: Code): Code =>
  i64.or(i64.shl(i64.shiftRight(bitsAt(get(BIT)), i64.const(32n)), second), get(FIELD));

/** Reads the time's code when there is one, and leaves in WORD what follows it. */
const nextTime = seq(
  set(WORD, bitsAt(get(BIT))),
  when(
    i32.eq(get(INDEX), i32.const(1)),
    seq(uvarint, set(DELTA, get(FIELD)), set(WORD, bitsAt(get(BIT)))),
    when(
      hasBit(0),
      seq(
        when(
          hasBit(1),
          when(
            hasBit(2),
            when(
              hasBit(3),
              seq(
                advance(i32.const(4)),
                set(FIELD, i64.shiftRight(bitsAt(i32.add(get(BIT), i32.const(32))), i64.const(32n))),
                set(FIELD, halves(i64.const(32n))),
                advance(i32.const(64)),
              ),
              shortDelta(4, 20),
            ),
            shortDelta(3, 17),
          ),
          shortDelta(2, 14),
        ),
        set(DELTA, i64.add(get(DELTA), get(FIELD))),
        set(WORD, bitsAt(get(BIT))),
      ),
      seq(advance(i32.const(1)), set(WORD, i64.shl(get(WORD), i64.const(1n)))),
    ),
  ),
  set(TIME, i64.add(get(TIME), get(DELTA))),
);

const EXPONENT = 0x7ff0000000000000n;
const noteSpecial = when(
  i64.eq(i64.and(get(VALUE), i64.const(EXPONENT)), i64.const(EXPONENT)),
  set(FLAG, i32.const(SPECIAL)),
);

const nextValue = when(
  hasBit(0),
  seq(
    when(
      hasBit(1),
      seq(
        set(LENGTH, i32.of(field(7, 6))),
        when(i32.isZero(get(LENGTH)), set(LENGTH, i32.const(64))),
        set(TRAILING, i32.sub(i32.sub(i32.const(64), i32.of(field(2, 5))), get(LENGTH))),
        advance(i32.const(13)),
      ),
      advance(i32.const(2)),
    ),
    when(
      i32.above(get(LENGTH), i32.const(57)),
      seq(
        // In two pieces: 32 bits, and what is left.
        set(
          FIELD,
          i64.shiftRight(bitsAt(i32.add(get(BIT), i32.const(32))), i64.of(i32.sub(i32.const(96), get(LENGTH)))),
        ),
        set(FIELD, halves(i64.of(i32.sub(get(LENGTH), i32.const(32))))),
      ),
      set(FIELD, i64.shiftRight(bitsAt(get(BIT)), i64.of(i32.sub(i32.const(64), get(LENGTH))))),
    ),
    set(VALUE, i64.xor(get(VALUE), i64.shl(get(FIELD), i64.of(get(TRAILING))))),
    noteSpecial,
    advance(get(LENGTH)),
  ),
  advance(i32.const(1)),
);

const result = i32.or(get(ROWS), get(FLAG));
const eightTimes = (value: Code): Code => i32.shl(value, i32.const(3));

const body = seq(
  set(BIT, i32.const(16)),
  uvarint,
  // Zigzag.
  set(
    TIME,
    i64.xor(i64.shiftRight(get(FIELD), i64.const(1n)), i64.sub(i64.const(0n), i64.and(get(FIELD), i64.const(1n)))),
  ),
  set(VALUE, bitsAt(get(BIT))),
  advance(i32.const(64)),
  noteSpecial,
  set(INDEX, i32.const(1)),
  set(LENGTH, i32.const(1)),
  forever(
    seq(
      set(ELAPSED, f64.of(get(TIME))),
      when(
        i32.isZero(f64.below(get(ELAPSED), get(MINT))),
        seq(
          when(f64.above(get(ELAPSED), get(MAXT)), giveBack(result)),
          f64.store(i32.add(get(TIMES), eightTimes(get(ROWS))), get(ELAPSED)),
          i64.store(i32.add(get(VALUES), eightTimes(get(ROWS))), get(VALUE)),
          set(ROWS, i32.add(get(ROWS), i32.const(1))),
        ),
      ),
      when(i32.above(get(BIT), eightTimes(get(SIZE))), giveBack(i32.const(-1))),
      when(i32.atLeast(get(INDEX), get(COUNT)), giveBack(result)),
      nextTime,
      nextValue,
      set(INDEX, i32.add(get(INDEX), i32.const(1))),
    ),
  ),
  result,
);

export function newKernelMemory(pages: number): KernelMemory {
  return new WebAssembly.Memory({ initial: pages });
}

/** Undefined where WebAssembly or its vectors are not there. */
export function xorKernel(memory: KernelMemory): XorKernel | undefined {
  const parameters = [TYPE.i32, TYPE.i32, TYPE.i32, TYPE.i32, TYPE.f64, TYPE.f64];
  const locals = [...new Array(7).fill(TYPE.i32), ...new Array(5).fill(TYPE.i64), TYPE.f64];
  try {
    const module = new WebAssembly.Module(moduleOf(parameters, locals, body));
    return new WebAssembly.Instance(module, { m: { m: memory } }).exports.f as XorKernel;
  } catch {
    return undefined;
  }
}
