/**
 * Places the flow's boxes and draws its arrows from the kinds of the nodes alone, for any number of them. Wide: the
 * architecture's drawing, left to right. Narrow: the same order from top to bottom, long arrows in rails at both sides.
 */
import type { Flow } from "@pharos/model";
import type { FlowLayout } from "./geometry.ts";
import { layoutNarrow } from "./layout-narrow.ts";
import { layoutWide } from "./layout-wide.ts";

export const WIDE_FROM = 980;

export function layoutFlow(flow: Flow, width: number): FlowLayout {
  return width >= WIDE_FROM ? layoutWide(flow, width) : layoutNarrow(flow, width);
}
