/** The lines of a file from its end to its beginning, read a piece at a time. */
import { type FileHandle, open } from "node:fs/promises";

const PIECE = 256 * 1024;
const NEWLINE = 0x0a;

/** What is appended meanwhile is not seen. A file that is not there has no lines. */
export async function* linesBackwards(path: string, piece = PIECE): AsyncGenerator<string> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    let at = (await file.stat()).size;
    // The beginning of it lies in the piece before.
    let rest: Buffer = Buffer.alloc(0);
    while (at > 0) {
      const length = Math.min(piece, at);
      at -= length;
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
      const block = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
      const cut = at === 0 ? 0 : block.indexOf(NEWLINE) + 1;
      if (at > 0 && cut === 0) {
        rest = block;
        continue;
      }
      rest = block.subarray(0, cut);
      const lines = block.toString("utf8", cut).split("\n");
      // Behind the last newline there is nothing.
      if (lines.at(-1) === "") lines.pop();
      for (let i = lines.length - 1; i >= 0; i--) yield lines[i];
    }
  } finally {
    await file.close();
  }
}
