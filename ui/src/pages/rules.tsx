import { formatValue, fromNow } from "../core/units.ts";
import { prometheus } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, LabelList, PageHead, Stale } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";

export interface ActiveAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: "pending" | "firing";
  activeAt: string;
  value: string;
}

export interface Rule {
  type: "alerting" | "recording";
  name: string;
  query: string;
  state?: "inactive" | "pending" | "firing";
  duration?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  alerts?: ActiveAlert[];
  health: string;
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
}

export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: Rule[];
}

export const STATE: Record<string, string> = { firing: "error", pending: "warning", inactive: "ok" };

function RuleRow({ rule }: { rule: Rule }) {
  return (
    <div className="rule">
      <div className="rule-head">
        <strong>{rule.name}</strong>
        {rule.state && <Badge status={STATE[rule.state]}>{rule.state}</Badge>}
        {rule.health === "err" && <Badge status="error">failing</Badge>}
        {rule.duration ? <span className="label">for {formatValue(rule.duration, "s")}</span> : null}
        <LabelList labels={rule.labels ?? {}} />
        <span className="when">
          {rule.lastEvaluation.startsWith("0001")
            ? "not evaluated yet"
            : `${fromNow(Date.parse(rule.lastEvaluation))}, took ${formatValue(rule.evaluationTime, "s")}`}
        </span>
      </div>
      {rule.lastError && <p className="note is-error">{rule.lastError}</p>}
      <Link className="expr" href={`/explore?g0.expr=${encodeURIComponent(rule.query)}&g0.tab=1`}>
        {rule.query}
      </Link>
    </div>
  );
}

export function RulesPage() {
  const { params } = useLocation();
  const search = (params.get("q") ?? "").toLowerCase();
  const { data, error } = usePoll((signal) => prometheus<{ groups: RuleGroup[] }>("/api/v1/rules", {}, signal), 5_000);
  const groups = (data?.groups ?? [])
    .map((group) => ({
      ...group,
      rules: group.rules.filter((rule) => `${group.name} ${rule.name} ${rule.query}`.toLowerCase().includes(search)),
    }))
    .filter(({ rules }) => rules.length > 0);
  return (
    <>
      <PageHead title="Rules" sub={data && `${data.groups.length} groups`}>
        <input
          type="search"
          className="input"
          placeholder="Search (/)"
          aria-label="Search rules"
          defaultValue={params.get("q") ?? ""}
          onChange={(event) => setParams({ q: event.target.value }, true)}
        />
      </PageHead>
      <Stale of="Prometheus" error={error} data={data} />
      {groups.length === 0 && (
        <Empty error={error} loading={!data}>
          {data?.groups.length === 0
            ? "No rules are loaded. A PrometheusRule in any namespace makes some."
            : "No rule matches the search."}
        </Empty>
      )}
      {groups.map((group) => (
        <section key={group.file + group.name} className="card group" aria-label={group.name}>
          <header>
            <h2>{group.name}</h2>
            <span className="sub">
              every {formatValue(group.interval, "s")} · {group.file.split("/").at(-1)}
            </span>
          </header>
          {group.rules.map((rule, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a group may have the same rule twice
            <RuleRow key={`${rule.name}${i}`} rule={rule} />
          ))}
        </section>
      ))}
    </>
  );
}
