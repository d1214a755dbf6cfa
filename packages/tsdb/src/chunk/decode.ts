/** From an encoding's number to its decoder. */
import { type SampleBuffer, UserError } from "@pharos/model";
import { Encoding } from "./encoding.ts";
import { decodeFloatHistogram, decodeIntHistogram } from "./histogram.ts";
import { decodeXor } from "./xor.ts";

/** Appends the samples with mint <= t <= maxt. Throws a UserError for encodings that are not supported. */
export function decodeChunk(encoding: number, data: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  switch (encoding) {
    case Encoding.xor:
      decodeXor(data, mint, maxt, out);
      return;
    case Encoding.histogram:
      decodeIntHistogram(data, mint, maxt, out);
      return;
    case Encoding.floatHistogram:
      decodeFloatHistogram(data, mint, maxt, out);
      return;
    default:
      throw new UserError("tsdb.encoding", `chunk encoding ${encoding} is not supported`, {
        fix: "Encodings 4 to 6 are written by Prometheus with xor2 or start timestamps in its storage switched on",
      });
  }
}
