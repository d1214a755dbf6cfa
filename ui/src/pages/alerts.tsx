import { fromNow } from "../core/units.ts";
import { alertmanager, prometheus } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, LabelList, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { type ActiveAlert, type RuleGroup, STATE } from "./rules.tsx";

interface ManagedAlert {
  labels: Record<string, string>;
  status: { state: string; silencedBy: string[]; inhibitedBy: string[] };
  receivers: { name: string }[];
}

const FILTERS = ["all", "firing", "pending"] as const;

function key(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort());
}

/** What Alertmanager did with an alert, in words. */
function Fate({ managed }: { managed: ManagedAlert | undefined }) {
  if (!managed) return null;
  const { silencedBy, inhibitedBy } = managed.status;
  if (silencedBy.length > 0) return <Badge status="idle">silenced</Badge>;
  if (inhibitedBy.length > 0) return <Badge status="idle">inhibited</Badge>;
  return <span className="label">→ {managed.receivers.map(({ name }) => name).join(", ")}</span>;
}

export function silenceUrl(labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `/silences?new=${encodeURIComponent(matchers.join(", "))}`;
}

function AlertCard({
  alert,
  query,
  managed,
}: {
  alert: ActiveAlert;
  query: string;
  managed: ManagedAlert | undefined;
}) {
  const { summary, description, runbook_url: runbook } = alert.annotations;
  return (
    <article className="card alert-card">
      <div className="rule-head">
        <Badge status={STATE[alert.state]}>{alert.state}</Badge>
        <strong>{alert.labels.alertname}</strong>
        <Fate managed={managed} />
        <span className="when">
          since {fromNow(Date.parse(alert.activeAt)).replace(" ago", "")} · value{" "}
          <span className="value">{String(Number(alert.value))}</span>
        </span>
        <Link className="button" href={silenceUrl(alert.labels)}>
          Silence
        </Link>
      </div>
      {summary && <p>{summary}</p>}
      {description && <p>{description}</p>}
      {runbook?.startsWith("http") && (
        <p>
          <a href={runbook} rel="noreferrer">
            Runbook
          </a>
        </p>
      )}
      <LabelList labels={alert.labels} skip={["alertname"]} />
      <Link className="expr" href={`/explore?g0.expr=${encodeURIComponent(query)}&g0.tab=0`}>
        {query}
      </Link>
    </article>
  );
}

export function AlertsPage() {
  const { params } = useLocation();
  const state = params.get("state") ?? "all";
  const search = (params.get("q") ?? "").toLowerCase();
  const rules = usePoll(
    (signal) => prometheus<{ groups: RuleGroup[] }>("/api/v1/rules", { type: "alert" }, signal),
    5_000,
  );
  const managed = usePoll(() => alertmanager<ManagedAlert[]>("/api/v2/alerts"), 5_000);
  const fates = new Map((managed.data ?? []).map((alert) => [alert.labels.alertname + alert.labels.instance, alert]));
  const exact = new Map((managed.data ?? []).map((alert) => [key(alert.labels), alert]));
  const all = (rules.data?.groups ?? [])
    .flatMap(({ rules: list }) => list)
    .flatMap((rule) => (rule.alerts ?? []).map((alert) => ({ alert, query: rule.query })));
  const shown = all
    .filter(
      ({ alert }) =>
        (state === "all" || alert.state === state) &&
        JSON.stringify([alert.labels, alert.annotations]).toLowerCase().includes(search),
    )
    .sort(
      (a, b) =>
        Number(b.alert.state === "firing") - Number(a.alert.state === "firing") ||
        Date.parse(b.alert.activeAt) - Date.parse(a.alert.activeAt),
    );
  const inactive = (rules.data?.groups ?? [])
    .flatMap(({ rules: list }) => list)
    .filter((rule) => rule.state === "inactive");
  return (
    <>
      <PageHead
        title="Alerts"
        sub={
          rules.data &&
          `${all.filter(({ alert }) => alert.state === "firing").length} firing, ${all.filter(({ alert }) => alert.state === "pending").length} pending, ${inactive.length} quiet`
        }
      >
        <input
          type="search"
          className="input"
          placeholder="Search (/)"
          aria-label="Search alerts"
          defaultValue={params.get("q") ?? ""}
          onChange={(event) => setParams({ q: event.target.value }, true)}
        />
        {FILTERS.map((filter) => (
          <button
            key={filter}
            type="button"
            className="button"
            aria-pressed={state === filter}
            onClick={() => setParams({ state: filter === "all" ? undefined : filter })}
          >
            {filter}
          </button>
        ))}
      </PageHead>
      {managed.error && <p className="note is-warning">Alertmanager: {managed.error}</p>}
      {shown.length === 0 && (
        <Empty error={rules.error} loading={!rules.data}>
          {all.length === 0 ? "No alert is pending or firing." : "No alert matches the filter."}
        </Empty>
      )}
      {shown.map(({ alert, query }) => (
        // External labels make Alertmanager's set a larger one: the name and the instance find it then.
        <AlertCard
          key={key(alert.labels)}
          alert={alert}
          query={query}
          managed={exact.get(key(alert.labels)) ?? fates.get(alert.labels.alertname + alert.labels.instance)}
        />
      ))}
    </>
  );
}
