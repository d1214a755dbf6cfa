/**
 * One run of bytes that grows in place. It is the memory of a WebAssembly instance without an instance: the operating system
 * reserves the addresses once, so that growing neither copies nor doubles, and pages that nobody touched cost nothing. It is
 * shared, so that other threads can read it.
 */
const WASM_PAGE = 65_536;
const MAX_PAGES = 65_536;

/** What Node has but its types do not. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (options: { initial: number; maximum: number; shared: true }) => SharedMemory };
};

export class Region {
  readonly memory: SharedMemory;
  u8: Uint8Array;
  u32: Uint32Array;
  /** The same words, signed: where a number above 2^31 would leave the machine's integers. */
  i32: Int32Array;
  f64: Float64Array;
  /** For words that lie anywhere. */
  view: DataView;
  /** For texts. */
  buffer: Buffer;

  /** `memory`: that of a region of another thread, to look into it here. */
  constructor(memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true })) {
    this.memory = memory;
    const { buffer } = memory;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
    this.buffer = Buffer.from(buffer);
  }

  get bytes(): number {
    return this.u8.length;
  }

  /** Makes at least `bytes` addressable. Throws a RangeError when the 4 GiB of one region are used up. */
  ensure(bytes: number): void {
    if (bytes <= this.u8.length) return;
    const missing = Math.ceil((bytes - this.u8.length) / WASM_PAGE);
    const have = this.u8.length / WASM_PAGE;
    // In larger steps as it grows: every step makes new views.
    const step = Math.min(Math.max(missing, 16, have >> 4), MAX_PAGES - have);
    if (step < missing) throw new RangeError("the head's memory is full: 4 GiB of one kind");
    this.memory.grow(step);
    this.refresh();
  }

  /** Sees what the owner has grown since. */
  refresh(): void {
    const { buffer } = this.memory;
    if (buffer.byteLength === this.u8.length) return;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
    this.buffer = Buffer.from(buffer);
  }
}
