/** What each type of panel draws. */
import type { ReactNode } from "react";
import type { Panel } from "../../core/dashboard/types.ts";
import type { Values } from "../../core/vars/interpolate.ts";
import type { PanelData } from "../query.ts";
import { HeatmapPanel } from "./heatmap-panel.tsx";
import { HistogramPanel } from "./histogram-panel.tsx";
import { StatePanel } from "./state-panel.tsx";
import { TablePanel } from "./table-panel.tsx";
import { TimeSeriesPanel } from "./time-series-panel.tsx";
import { BarGaugePanel, GaugePanel, PiePanel, StatPanel } from "./value-panels.tsx";

export interface PanelView {
  panel: Panel;
  data: PanelData;
  values: Values;
  /** Size of the panel's body in px. */
  width: number;
  height: number;
  syncKey: string | undefined;
  zoomOut: () => void;
}

const VIEWS: Record<string, (view: PanelView) => ReactNode> = {
  timeseries: (view) => <TimeSeriesPanel {...view} />,
  stat: (view) => <StatPanel {...view} />,
  gauge: (view) => <GaugePanel {...view} />,
  bargauge: (view) => <BarGaugePanel {...view} />,
  barchart: (view) => <BarGaugePanel {...view} />,
  table: (view) => <TablePanel {...view} />,
  piechart: (view) => <PiePanel {...view} />,
  heatmap: (view) => <HeatmapPanel {...view} />,
  histogram: (view) => <HistogramPanel {...view} />,
  "state-timeline": (view) => <StatePanel {...view} history={false} />,
  "status-history": (view) => <StatePanel {...view} history />,
};

export function isKnown(type: string): boolean {
  return Object.hasOwn(VIEWS, type);
}

export function drawPanel(view: PanelView): ReactNode {
  return VIEWS[view.panel.type]?.(view);
}
