import { formatValue, fromNow } from "../core/units.ts";
import { prometheus } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Badge, Empty, LabelList, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";

interface Target {
  labels: Record<string, string>;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: "up" | "down" | "unknown";
  scrapeInterval: string;
}

interface TargetsData {
  activeTargets: Target[];
  droppedTargetCounts: Record<string, number> | null;
}

const HEALTH: Record<Target["health"], string> = { up: "ok", down: "error", unknown: "idle" };
const FILTERS = ["all", "up", "down", "unknown"] as const;

function lastScrape(text: string): string {
  return text.startsWith("0001") ? "never" : fromNow(Date.parse(text));
}

function PoolCard({ name, targets }: { name: string; targets: readonly Target[] }) {
  const up = targets.filter(({ health }) => health === "up").length;
  return (
    <section className="card pool" aria-label={name}>
      <header>
        <h2>{name}</h2>
        <Badge
          status={up === targets.length ? "ok" : up > 0 ? "warning" : "error"}
        >{`${up}/${targets.length} up`}</Badge>
        <span className="sub">every {targets[0].scrapeInterval}</span>
      </header>
      <div className="scroll-x">
        <table>
          <thead>
            <tr>
              <th>Endpoint</th>
              <th>Health</th>
              <th>Labels</th>
              <th className="number">Last scrape</th>
              <th className="number">Took</th>
            </tr>
          </thead>
          <tbody>
            {targets.map((target) => (
              <tr key={target.scrapeUrl + JSON.stringify(target.labels)}>
                <td>
                  <a className="url" href={target.scrapeUrl} rel="noreferrer">
                    {target.scrapeUrl}
                  </a>
                  {target.lastError && <div className="error-text">{target.lastError}</div>}
                </td>
                <td>
                  <Badge status={HEALTH[target.health]}>{target.health}</Badge>
                </td>
                <td>
                  <LabelList labels={target.labels} />
                </td>
                <td className="number">{lastScrape(target.lastScrape)}</td>
                <td className="number">{formatValue(target.lastScrapeDuration, "s")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function TargetsPage() {
  const { params } = useLocation();
  const health = params.get("health") ?? "all";
  const search = (params.get("q") ?? "").toLowerCase();
  const onlyPool = params.get("pool");
  const { data, error } = usePoll((signal) => prometheus<TargetsData>("/api/v1/targets", {}, signal), 5_000);
  const shown = (data?.activeTargets ?? []).filter(
    (target) =>
      (health === "all" || target.health === health) &&
      (!onlyPool || target.scrapePool === onlyPool) &&
      (search === "" ||
        `${target.scrapeUrl} ${JSON.stringify(target.labels)} ${target.lastError}`.toLowerCase().includes(search)),
  );
  const pools = Map.groupBy(shown, ({ scrapePool }) => scrapePool);
  const total = data?.activeTargets.length ?? 0;
  return (
    <>
      <PageHead title="Targets" sub={data && `${shown.length} of ${total}`}>
        <input
          type="search"
          className="input"
          placeholder="Search (/)"
          aria-label="Search targets"
          defaultValue={params.get("q") ?? ""}
          onChange={(event) => setParams({ q: event.target.value }, true)}
        />
        {FILTERS.map((filter) => (
          <button
            key={filter}
            type="button"
            className="button"
            aria-pressed={health === filter}
            onClick={() => setParams({ health: filter === "all" ? undefined : filter })}
          >
            {filter}
          </button>
        ))}
        {onlyPool && (
          <button type="button" className="button" onClick={() => setParams({ pool: undefined })}>
            {onlyPool} ✕
          </button>
        )}
      </PageHead>
      {pools.size === 0 && (
        <Empty error={error} loading={!data}>
          {total === 0
            ? "There are no targets. A ServiceMonitor that selects a Service makes some; the flow page says what is missing."
            : "No target matches the filter."}
        </Empty>
      )}
      {[...pools].map(([name, targets]) => (
        <PoolCard key={name} name={name} targets={targets} />
      ))}
    </>
  );
}
