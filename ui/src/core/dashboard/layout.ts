/** Grafana's grid: holes are closed upwards, overlaps pushed down, repeats laid out. */
import type { Values } from "../vars/interpolate.ts";
import type { GridPos, Panel, Row } from "./types.ts";

const overlaps = (a: GridPos, b: GridPos): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/** Panels in reading order, each moved up until it meets another one or the top. */
export function compact(panels: readonly Panel[]): Panel[] {
  const sorted = [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  const placed: Panel[] = [];
  for (const panel of sorted) {
    const pos = { ...panel.gridPos };
    const hit = (): GridPos | undefined => placed.find((other) => overlaps(other.gridPos, pos))?.gridPos;
    for (let blocker = hit(); blocker; blocker = hit()) pos.y = blocker.y + blocker.h;
    while (pos.y > 0) {
      pos.y--;
      if (hit()) {
        pos.y++;
        break;
      }
    }
    placed.push({ ...panel, gridPos: pos });
  }
  return placed;
}

function repeatPanel(panel: Panel, values: readonly string[]): Panel[] {
  const { x, y, w, h } = panel.gridPos;
  const perRow = panel.repeatDirection === "v" ? 1 : Math.min(values.length, Math.max(1, panel.maxPerRow));
  const width = panel.repeatDirection === "v" ? w : Math.floor(24 / perRow);
  return values.map((value, index) => ({
    ...panel,
    key: `${panel.key}-${value}`,
    scoped: { ...panel.scoped, [panel.repeat]: value },
    gridPos: {
      x: panel.repeatDirection === "v" ? x : (index % perRow) * width,
      y: y + Math.floor(index / perRow) * h,
      w: width,
      h,
    },
  }));
}

/** Rows and panels with one copy per value of the variable they repeat by. */
export function expandRepeats(rows: readonly Row[], values: Values): Row[] {
  const result: Row[] = [];
  for (const row of rows) {
    const rowValues = row.repeat ? (values.get(row.repeat)?.values ?? [undefined]) : [undefined];
    for (const rowValue of rowValues) {
      const scoped = rowValue === undefined ? {} : { [row.repeat]: rowValue };
      const panels = row.panels.flatMap((panel) => {
        const own = { ...panel, scoped, key: rowValue === undefined ? panel.key : `${panel.key}-${rowValue}` };
        const panelValues = panel.repeat ? values.get(panel.repeat)?.values : undefined;
        return panelValues && panelValues.length > 0 ? repeatPanel(own, panelValues) : [own];
      });
      const moved = row.panels.some((panel) => panel.repeat) ? compact(panels) : panels;
      result.push({ ...row, key: rowValue === undefined ? row.key : `${row.key}-${rowValue}`, panels: moved, scoped });
    }
  }
  return result;
}
