/** Where a node stands in its text, as Go's messages say it. */
import type { Where } from "@pharos/model";
import type { Node, Tree } from "./node.ts";
import { byteLength } from "./text/utf8.ts";

/** `text` is `NAME:LINE:COLUMN`, with the column in bytes from 0; `where` counts from 1. */
export function placeOf(tree: Tree, node: Node): { text: string; where: Where } {
  const before = tree.text.slice(0, node.pos);
  const line = before.split("\n").length;
  const column = byteLength(before.slice(before.lastIndexOf("\n") + 1));
  const file = tree.parseName === "" ? {} : { file: tree.parseName };
  return { text: `${tree.parseName}:${line}:${column}`, where: { ...file, line, column: column + 1 } };
}
