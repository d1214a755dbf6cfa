import { useMemo, useState } from "react";
import { joinAlerts, type Labels, type ManagedAlert } from "../core/alerts.ts";
import { matcherText } from "../core/matchers.ts";
import { fromNow } from "../core/units.ts";
import { alertmanager, prometheus } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { FilterBar } from "../shell/filter-bar.tsx";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, LabelList, PageHead, Stale } from "../shell/page.tsx";
import { useLocation } from "../shell/router.ts";
import { routingUrl } from "./routing-labels.ts";
import { type RuleGroup, STATE } from "./rules.tsx";

const FILTERS = ["all", "firing", "pending"] as const;
/** Cards drawn at once; more wait for a press. */
const SHOWN = 100;
const POLL_MS = 5_000;

/** One card, whoever told of the alert. */
interface Shown {
  key: string;
  state: "firing" | "pending";
  labels: Labels;
  annotations: Labels;
  since: number;
  value?: string;
  query?: string;
  managed: ManagedAlert | undefined;
}

/** What Alertmanager did with an alert, in words. */
function Fate({ managed }: { managed: ManagedAlert | undefined }) {
  if (!managed) return null;
  const { silencedBy, inhibitedBy } = managed.status;
  if (silencedBy.length > 0) {
    return (
      <Link href={`/silences?q=${silencedBy[0]}`}>
        <Badge status="idle">silenced</Badge>
      </Link>
    );
  }
  if (inhibitedBy.length > 0) return <Badge status="idle">inhibited</Badge>;
  return <span className="label">→ {managed.receivers.map(({ name }) => name).join(", ")}</span>;
}

function silenceUrl(labels: Labels): string {
  const matchers = Object.entries(labels).map(([name, value]) =>
    matcherText({ name, value, isRegex: false, isEqual: true }),
  );
  return `/silences?new=${encodeURIComponent(matchers.join(", "))}`;
}

function AlertCard({ alert }: { alert: Shown }) {
  const { labels, annotations, query } = alert;
  const { summary, description, runbook_url: runbook } = annotations;
  return (
    <article className="card alert-card">
      <div className="rule-head">
        <Badge status={STATE[alert.state]!}>{alert.state}</Badge>
        <strong>{labels.alertname}</strong>
        <Fate managed={alert.managed} />
        <span className="when">
          since {fromNow(alert.since).replace(" ago", "")}
          {alert.value !== undefined && (
            <>
              {" "}
              · value <span className="value">{alert.value}</span>
            </>
          )}
        </span>
        {alert.managed && (
          <Link className="button" href={`/history?fingerprint=${alert.managed.fingerprint}&from=now-7d`}>
            History
          </Link>
        )}
        <Link className="button" href={routingUrl(alert.managed?.labels ?? labels)}>
          Routing
        </Link>
        <Link className="button" href={silenceUrl(labels)}>
          Silence
        </Link>
      </div>
      {summary && <p>{summary}</p>}
      {description && <p>{description}</p>}
      {runbook && /^https?:\/\//.test(runbook) && (
        <p>
          <a href={runbook} rel="noreferrer">
            Runbook
          </a>
        </p>
      )}
      <LabelList labels={labels} skip={["alertname"]} />
      {query === undefined ? (
        <p className="sub">No rule of this Prometheus holds it: Alertmanager has it from another sender.</p>
      ) : (
        <Link className="expr" href={`/explore?g0.expr=${encodeURIComponent(query)}&g0.tab=0`}>
          {query}
        </Link>
      )}
    </article>
  );
}

function gather(groups: readonly RuleGroup[], managed: readonly ManagedAlert[]): Shown[] {
  const held = groups
    .flatMap(({ rules }) => rules)
    .flatMap((rule) => (rule.alerts ?? []).map((alert) => ({ ...alert, query: rule.query })));
  const { joined, others } = joinAlerts(held, managed);
  return [
    ...joined.map(({ alert, managed: found }) => ({
      key: JSON.stringify(alert.labels),
      state: alert.state,
      labels: alert.labels,
      annotations: alert.annotations,
      since: Date.parse(alert.activeAt),
      value: String(Number(alert.value)),
      query: alert.query,
      managed: found,
    })),
    ...others.map((alert) => ({
      key: alert.fingerprint,
      state: "firing" as const,
      labels: alert.labels,
      annotations: alert.annotations,
      since: Date.parse(alert.startsAt),
      managed: alert,
    })),
  ].sort((a, b) => Number(b.state === "firing") - Number(a.state === "firing") || b.since - a.since);
}

export function AlertsPage() {
  const { params } = useLocation();
  const [limit, setLimit] = useState(SHOWN);
  const state = params.get("state") ?? "all";
  const search = (params.get("q") ?? "").toLowerCase();
  const rules = usePoll(
    (signal) => prometheus<{ groups: RuleGroup[] }>("/api/v1/rules", { type: "alert" }, signal),
    POLL_MS,
  );
  const managed = usePoll((signal) => alertmanager<ManagedAlert[]>("/api/v2/alerts", { signal }), POLL_MS);
  const all = useMemo(() => gather(rules.data?.groups ?? [], managed.data ?? []), [rules.data, managed.data]);
  const shown = all.filter(
    (alert) =>
      (state === "all" || alert.state === state) &&
      JSON.stringify([alert.labels, alert.annotations]).toLowerCase().includes(search),
  );
  const count = (wanted: string): number => all.filter((alert) => alert.state === wanted).length;
  const quiet = (rules.data?.groups ?? [])
    .flatMap(({ rules: list }) => list)
    .filter((rule) => rule.state === "inactive").length;
  return (
    <>
      <PageHead
        title="Alerts"
        sub={rules.data && `${count("firing")} firing, ${count("pending")} pending, ${quiet} rules quiet`}
      >
        <FilterBar of="alerts" param="state" choices={FILTERS} />
      </PageHead>
      <Stale of="Alertmanager" error={managed.error} data={rules.data ?? managed.data} />
      <Stale of="Prometheus" error={rules.error} data={rules.data ?? managed.data} />
      {shown.length === 0 && (
        <Empty error={rules.error} loading={!rules.data}>
          {all.length === 0 ? "No alert is pending or firing." : "No alert matches the filter."}
        </Empty>
      )}
      {shown.slice(0, limit).map((alert) => (
        <AlertCard key={alert.key} alert={alert} />
      ))}
      {shown.length > limit && (
        <button type="button" className="button" onClick={() => setLimit(limit + 5 * SHOWN)}>
          {shown.length - limit} more
        </button>
      )}
    </>
  );
}
