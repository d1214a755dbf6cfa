/** A copy of all blocks that costs no space: hard links, since files of blocks never change. */
import { copyFileSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Block } from "./block/block.ts";

export function linkBlocks(blocks: readonly Block[], target: string): void {
  for (const { dir, meta } of blocks) {
    const copy = join(target, meta.ulid);
    mkdirSync(join(copy, "chunks"), { recursive: true });
    for (const name of readdirSync(join(dir, "chunks")))
      linkSync(join(dir, "chunks", name), join(copy, "chunks", name));
    linkSync(join(dir, "index"), join(copy, "index"));
    // These two are replaced, not changed, but are small: copies keep the snapshot independent.
    for (const name of ["meta.json", "tombstones"]) {
      if (readdirSync(dir).includes(name)) copyFileSync(join(dir, name), join(copy, name));
    }
  }
}
