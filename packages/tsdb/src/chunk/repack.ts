/** Chunks of a series on their way into a block: neighbouring ones of floats are joined and packed as small as they get. */
import { SampleBuffer } from "@pharos/model";
import type { EncodedChunk } from "./encode.ts";
import { Encoding } from "./encoding.ts";
import { decodeXor } from "./xor.ts";
import { packXor } from "./xor-pack.ts";

/** Samples of a joined chunk: two hours at the usual interval. A read of a few samples decodes no more than these. */
const MAX_SAMPLES = 480;

const buffer = new SampleBuffer();

/** The same samples in fewer bytes. Chunks come in order of time and do not overlap. */
export function repack(chunks: readonly EncodedChunk[]): readonly EncodedChunk[] {
  const out: EncodedChunk[] = [];
  buffer.clear();
  const finish = (): void => {
    if (buffer.length > 0) out.push(packXor(buffer, 0, buffer.length));
    buffer.clear();
  };
  for (const chunk of chunks) {
    if (chunk.encoding !== Encoding.xor) {
      finish();
      out.push(chunk);
      continue;
    }
    const samples = (chunk.data[0] << 8) | chunk.data[1];
    if (buffer.length + samples > MAX_SAMPLES) finish();
    decodeXor(chunk.data, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, buffer);
  }
  finish();
  return out;
}
