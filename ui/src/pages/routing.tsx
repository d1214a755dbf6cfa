import { type FormEvent, useState } from "react";
import { formatValue } from "../core/units.ts";
import { alertmanager } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, PageHead, Stale } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { labelQuery, parseLabels } from "./routing-labels.ts";
import "./history.css";

interface Route {
  id: string;
  receiver: string;
  matchers: string[];
  continue: boolean;
  groupBy: string[] | null;
  groupWait: number;
  groupInterval: number;
  repeatInterval: number;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  mutedBy: string[];
  reached?: boolean;
  passed?: boolean;
  routes: Route[];
}

const POLL_MS = 30_000;

function grouping({ groupBy }: Route): string {
  if (groupBy === null) return "each alert alone";
  return groupBy.length === 0 ? "all alerts together" : `by ${groupBy.join(", ")}`;
}

function Branch({ route, asked, isRoot }: { route: Route; asked: boolean; isRoot?: boolean }) {
  const { matchers, receiver, reached, passed, mutedBy } = route;
  const state = !asked ? "" : reached ? "is-reached" : passed ? "is-passed" : "is-missed";
  const time = (ms: number): string => formatValue(ms / 1000, "s");
  return (
    <li>
      <div className={`card route ${state}`}>
        <div className="rule-head">
          {asked && (
            <Badge status={reached ? "ok" : "idle"}>{reached ? "reached" : passed ? "on the way" : "not"}</Badge>
          )}
          <span className="labels">
            {isRoot && <span className="sub">every alert</span>}
            {!isRoot && matchers.length === 0 && <span className="sub">every alert that comes here</span>}
            {matchers.map((matcher) => (
              <span key={matcher} className="label">
                {matcher}
              </span>
            ))}
          </span>
          <strong>→ {receiver}</strong>
          {route.continue && <span className="label">and the next ones</span>}
          {mutedBy.length > 0 && <Badge status="warning">{`quiet now: ${mutedBy.join(", ")}`}</Badge>}
          <Link className="when" href={`/history?receiver=${encodeURIComponent(receiver)}`}>
            history
          </Link>
        </div>
        <p className="sub">
          {grouping(route)} · waits {time(route.groupWait)}, then every {time(route.groupInterval)}, repeats after{" "}
          {time(route.repeatInterval)}
          {route.muteTimeIntervals.length > 0 && ` · muted in ${route.muteTimeIntervals.join(", ")}`}
          {route.activeTimeIntervals.length > 0 && ` · only in ${route.activeTimeIntervals.join(", ")}`}
        </p>
      </div>
      {route.routes.length > 0 && (
        <ul>
          {route.routes.map((child) => (
            <Branch key={child.id} route={child} asked={asked} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Routing tree, and who would be told of an alert with given labels. */
export function RoutingPage() {
  const { params } = useLocation();
  const text = params.get("labels") ?? "";
  const [wrong, setWrong] = useState("");
  const { data, error } = usePoll(
    (signal) =>
      alertmanager<{ route: Route; receivers?: string[] }>(`/api/v1/pharos/routes?${labelQuery(parseLabels(text))}`, {
        signal,
      }),
    POLL_MS,
    [text],
  );
  const ask = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget).get("labels"));
    try {
      parseLabels(given);
      setWrong("");
      setParams({ labels: given.trim() || undefined });
    } catch (failure) {
      setWrong((failure as Error).message);
    }
  };
  const receivers = data?.receivers;
  return (
    <>
      <PageHead title="Routing" sub="who is told of what" />
      <form className="card form" onSubmit={ask} key={text}>
        <label>
          Who would be told of an alert with these labels?
          <input
            type="search"
            className="input"
            name="labels"
            defaultValue={text}
            placeholder='alertname="NodeDown", severity="critical"'
          />
        </label>
        <div className="row">
          <button type="submit" className="button primary">
            Show the way
          </button>
          {receivers && (
            <p role="status">
              {receivers.map((name, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a receiver may be reached twice
                <span key={`${name} ${i}`} className="label">
                  → {name}
                </span>
              ))}
            </p>
          )}
        </div>
        {wrong && (
          <p className="note is-error" role="alert">
            {wrong}
          </p>
        )}
      </form>
      <Stale of="Alertmanager" error={error} data={data} />
      {data ? (
        <ul className="routes">
          <Branch route={data.route} asked={receivers !== undefined} isRoot />
        </ul>
      ) : (
        <Empty error={error} loading>
          There is no routing tree.
        </Empty>
      )}
    </>
  );
}
