/** From an encoding's number to its decoder. */
import { type SampleBuffer, UserError } from "@pharos/model";
import { Encoding } from "./encoding.ts";
import { decodeFloatHistogram, decodeIntHistogram } from "./histogram.ts";
import { decodeXor } from "./xor.ts";
import { decodeXor2 } from "./xor2.ts";

/** Appends the samples with mint <= t <= maxt. Throws a UserError for encodings that are not supported. */
export function decodeChunk(encoding: number, data: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  switch (encoding) {
    case Encoding.xor:
      decodeXor(data, mint, maxt, out);
      return;
    case Encoding.xor2:
      decodeXor2(data, mint, maxt, out);
      return;
    case Encoding.histogram:
    case Encoding.histogramStart:
      decodeIntHistogram(data, mint, maxt, out, encoding === Encoding.histogramStart);
      return;
    case Encoding.floatHistogram:
    case Encoding.floatHistogramStart:
      decodeFloatHistogram(data, mint, maxt, out, encoding === Encoding.floatHistogramStart);
      return;
    default:
      throw new UserError("tsdb.encoding", `chunk encoding ${encoding} is not known`, {
        fix: "It was written by a newer Prometheus. Restore the block from a copy, or move its folder away",
      });
  }
}
