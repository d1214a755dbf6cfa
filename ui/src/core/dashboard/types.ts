import type { Json, JsonObject } from "../json.ts";
import type { Variable } from "../vars/variables.ts";

/** Place in a grid of 24 columns; one row unit is 38 px with its gap. */
export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Target {
  refId: string;
  expr: string;
  legend: string;
  format: "time_series" | "table" | "heatmap";
  instant: boolean;
  range: boolean;
  interval: string;
  intervalFactor: number;
  hidden: boolean;
  datasource: Json | undefined;
  /** False for a query of another kind (Loki, expressions, …): kept, shown as not supported. */
  supported: boolean;
}

export interface Panel {
  id: number;
  /** Unique on the page; repeated panels share their id. */
  key: string;
  type: string;
  title: string;
  description: string;
  gridPos: GridPos;
  transparent: boolean;
  datasource: Json | undefined;
  targets: Target[];
  fieldConfig: { defaults: JsonObject; overrides: { matcher: JsonObject; properties: JsonObject[] }[] };
  options: JsonObject;
  transformations: JsonObject[];
  repeat: string;
  repeatDirection: "h" | "v";
  maxPerRow: number;
  interval: string;
  maxDataPoints: number | undefined;
  timeFrom: string;
  timeShift: string;
  links: JsonObject[];
  /** Values of the repeated variables for this copy. */
  scoped: Record<string, string>;
  source: JsonObject;
}

export interface Row {
  key: string;
  title: string;
  collapsed: boolean;
  repeat: string;
  panels: Panel[];
  /** Absent for the panels before the first row. */
  header: boolean;
  scoped: Record<string, string>;
}

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  from: string;
  to: string;
  refresh: string;
  timezone: string;
  sharedCrosshair: boolean;
  variables: Variable[];
  rows: Row[];
  links: JsonObject[];
  /** What could not be taken as it is written. */
  problems: string[];
  /** The JSON as it came in; saving gives it back with the changes made. */
  source: JsonObject;
  /** The dashboard inside `source`, which may be an envelope. */
  model: JsonObject;
}
