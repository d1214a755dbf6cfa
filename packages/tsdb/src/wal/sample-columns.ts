/** Samples in columns that grow and are used again; values by their words, so that a NaN keeps its payload. */
export class SampleColumns {
  count = 0;
  refs = new Float64Array(1024);
  times = new Float64Array(1024);
  /** Start timestamps, 0 when unknown; they count only where `hasStarts` says so. */
  starts = new Float64Array(1024);
  hasStarts = false;
  values = new Float64Array(1024);
  words = new Uint32Array(this.values.buffer);
  /** The same as signed words, which are what engines calculate with. */
  signed = new Int32Array(this.values.buffer);

  /** Makes room for one more row. */
  reserve(): void {
    if (this.count < this.refs.length) return;
    const grow = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.refs = grow(this.refs);
    this.times = grow(this.times);
    this.starts = grow(this.starts);
    const values = new Float64Array(this.values.length * 2);
    const words = new Uint32Array(values.buffer);
    words.set(this.words);
    this.values = values;
    this.words = words;
    this.signed = new Int32Array(values.buffer);
  }
}
