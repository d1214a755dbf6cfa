/** Alerts that Prometheus holds pending or firing; the options are those of Grafana's alert list that apply to them. */
import { useState } from "react";
import type { Panel } from "../../core/dashboard/types.ts";
import { at, boolean, number, string } from "../../core/json.ts";
import { fromNow } from "../../core/units.ts";
import { interpolate, type Values } from "../../core/vars/interpolate.ts";
import { prometheus } from "../../data/http.ts";
import { usePoll } from "../../data/use-poll.ts";
import type { ActiveAlert } from "../../pages/rules.tsx";
import { Badge, LabelList } from "../../shell/page.tsx";

const POLL_MS = 15_000;

export default function AlertListPanel({ panel, values }: { panel: Panel; values: Values }) {
  const [now] = useState(() => Date.now());
  const { data, error } = usePoll(
    (signal) => prometheus<{ alerts: ActiveAlert[] }>("/api/v1/alerts", {}, signal),
    POLL_MS,
  );
  const { options } = panel;
  const wanted = (name: "firing" | "pending"): boolean => boolean(at(options, "stateFilter", name), true);
  const search = interpolate(string(options.alertName), values).toLowerCase();
  const shown = (data?.alerts ?? [])
    .filter(({ state }) => wanted(state))
    .filter(({ labels }) => labels.alertname!.toLowerCase().includes(search))
    .sort((a, b) => Number(b.state === "firing") - Number(a.state === "firing"))
    .slice(0, number(options.maxItems) ?? 20);
  if (error) return <p className="note is-error">{error}</p>;
  if (!data) return <p className="note">Loading …</p>;
  if (shown.length === 0) return <p className="note">No alert is pending or firing.</p>;
  return (
    <ul className="alert-list">
      {shown.map(({ labels, state, activeAt }) => (
        <li key={JSON.stringify(labels)}>
          <Badge status={state === "firing" ? "error" : "warning"}>{state}</Badge>
          <strong>{labels.alertname}</strong>
          <LabelList labels={labels} skip={["alertname"]} />
          <span className="sub">{fromNow(Date.parse(activeAt), Math.max(now, Date.now()))}</span>
        </li>
      ))}
    </ul>
  );
}
