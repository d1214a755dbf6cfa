import { useMemo } from "react";
import { histogramOf } from "../../core/frames/buckets.ts";
import { number, string } from "../../core/json.ts";
import { formatValue } from "../../core/units.ts";
import { seriesColor } from "../../viz/colors.ts";
import type { PanelView } from "./index.tsx";

export function HistogramPanel({ panel, data }: PanelView) {
  const { buckets, series } = useMemo(
    () => histogramOf(data.frames, number(panel.options.bucketCount) ?? 30, number(panel.options.bucketSize)),
    [panel, data],
  );
  const unit = string(panel.fieldConfig.defaults.unit) || "short";
  const totals = buckets.map((_, i) => series.reduce((sum, { counts }) => sum + counts[i]!, 0));
  const most = Math.max(1, ...totals);
  if (buckets.length === 0) return <p className="note">No data. The queries select no values.</p>;
  const every = Math.max(1, Math.ceil(buckets.length / 8));
  return (
    <div
      className="histogram"
      role="img"
      aria-label={`${panel.title}: ${buckets.length} buckets, at most ${most} values`}
    >
      <div className="histogram-bars">
        {buckets.map(({ low, high }, i) => (
          <span
            key={low}
            className="column"
            title={`${formatValue(low, unit)} – ${formatValue(high, unit)}: ${totals[i]}`}
            style={{ height: `${(totals[i]! / most) * 100}%` }}
          >
            {series.map(({ name, counts }, s) => (
              <span key={name} style={{ flexGrow: counts[i], background: seriesColor(s) }} />
            ))}
          </span>
        ))}
      </div>
      <div className="histogram-axis" aria-hidden="true">
        {buckets.map(({ low }, i) => (
          <span key={low}>{i % every === 0 ? formatValue(low, unit) : ""}</span>
        ))}
      </div>
    </div>
  );
}
