import { useState } from "react";
import { formatValue, fromNow } from "../core/units.ts";
import { prometheus } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { FilterBar } from "../shell/filter-bar.tsx";
import { Badge, Empty, LabelList, PageHead, Stale } from "../shell/page.tsx";
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

/** Targets of a pool drawn at once; more wait for a press. */
const SHOWN = 50;

function PoolCard({ name, targets, dropped }: { name: string; targets: readonly Target[]; dropped: number }) {
  const [limit, setLimit] = useState(SHOWN);
  const up = targets.filter(({ health }) => health === "up").length;
  return (
    <section className="card pool" aria-label={name}>
      <header>
        <h2>{name}</h2>
        {targets.length === 0 ? (
          <Badge status="idle">no targets</Badge>
        ) : (
          <Badge
            status={up === targets.length ? "ok" : up > 0 ? "warning" : "error"}
          >{`${up}/${targets.length} up`}</Badge>
        )}
        <span className="sub">
          {targets.length > 0 && `every ${targets[0]!.scrapeInterval}`}
          {dropped > 0 && `${targets.length > 0 ? " · " : ""}${dropped} found and dropped by relabeling`}
        </span>
      </header>
      {targets.length > 0 && (
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
              {targets.slice(0, limit).map((target) => (
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
      )}
      {targets.length > limit && (
        <button type="button" className="button quiet" onClick={() => setLimit(targets.length)}>
          {targets.length - limit} more
        </button>
      )}
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
  const dropped = data?.droppedTargetCounts ?? {};
  const pools = Map.groupBy(shown, ({ scrapePool }) => scrapePool);
  // A pool whose targets are all dropped is a silence of its own: it must not be missing.
  if (health === "all" && search === "") {
    for (const name of Object.keys(dropped))
      if (dropped[name]! > 0 && !pools.has(name) && (!onlyPool || onlyPool === name)) pools.set(name, []);
  }
  const total = data?.activeTargets.length ?? 0;
  return (
    <>
      <PageHead title="Targets" sub={data && `${shown.length} of ${total}`}>
        <FilterBar of="targets" param="health" choices={FILTERS} />
        {onlyPool && (
          <button type="button" className="button" onClick={() => setParams({ pool: undefined })}>
            {onlyPool} ✕
          </button>
        )}
      </PageHead>
      <Stale of="Prometheus" error={error} data={data} />
      {pools.size === 0 && (
        <Empty error={error} loading={!data}>
          {total === 0
            ? "There are no targets. A ServiceMonitor that selects a Service makes some; the flow page says what is missing."
            : "No target matches the filter."}
        </Empty>
      )}
      {[...pools]
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([name, targets]) => (
          <PoolCard key={name} name={name} targets={targets} dropped={dropped[name] ?? 0} />
        ))}
    </>
  );
}
