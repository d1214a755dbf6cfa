import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import type { ManagedAlert } from "../core/alerts.ts";
import { matcherText, parseMatchers } from "../core/matchers.ts";
import { formatTime } from "../core/time.ts";
import { formatValue } from "../core/units.ts";
import { alertmanager } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { useShortcuts } from "../shell/keys.ts";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, LabelList, PageHead, Stale } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { TimeRangePicker, useTimeRange } from "../shell/time-range.tsx";
import {
  byDay,
  contains,
  type HistoryEvent,
  KINDS,
  knownAlerts,
  labelText,
  type NotificationEvent,
  OUTCOMES,
  tell,
} from "./history-events.ts";
import "./history.css";

const RANGE = { from: "now-24h", to: "now", refresh: "10s" };
const LIMIT = 200;
const MOST = 10_000;
const ROW = ".event > summary";

type Known = ReadonlyMap<string, Record<string, string>>;

/** An alert by its fingerprint: its name where it is known, and its own history behind. */
function AlertLink({ fingerprint, known }: { fingerprint: string; known: Known }) {
  const labels = known.get(fingerprint);
  return (
    <Link href={`/history?fingerprint=${fingerprint}`} title="The history of this alert">
      {labels ? <code>{labelText(labels)}</code> : <code>{fingerprint}</code>}
    </Link>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Causes({ event, known }: { event: NotificationEvent; known: Known }) {
  const causes = Object.entries(event.by ?? {});
  if (causes.length === 0) return null;
  const cause = (id: string): ReactNode => {
    if (event.reason === "silence") return <Link href={`/silences?q=${id}`}>silence {id.slice(0, 8)}</Link>;
    return event.reason === "inhibition" ? <AlertLink fingerprint={id} known={known} /> : id;
  };
  return (
    <Fact name="By">
      <ul>
        {causes.map(([fingerprint, ids]) => (
          <li key={fingerprint}>
            {fingerprint !== "" && (
              <>
                <AlertLink fingerprint={fingerprint} known={known} /> by{" "}
              </>
            )}
            {ids.map((id, i) => (
              <span key={id}>
                {i > 0 && ", "}
                {cause(id)}
              </span>
            ))}
          </li>
        ))}
      </ul>
    </Fact>
  );
}

function Alerts({ name, list, known }: { name: string; list: readonly string[]; known: Known }) {
  if (list.length === 0) return null;
  return (
    <Fact name={name}>
      <ul>
        {list.map((fingerprint) => (
          <li key={fingerprint}>
            <AlertLink fingerprint={fingerprint} known={known} />
          </li>
        ))}
      </ul>
    </Fact>
  );
}

function Details({ event, known }: { event: HistoryEvent; known: Known }) {
  switch (event.kind) {
    case "alert":
      return (
        <dl>
          <Fact name="Labels">
            <LabelList labels={event.labels} />
          </Fact>
          {Object.entries(event.annotations).map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
          <Fact name="Since">{formatTime(event.startsAt)}</Fact>
          {event.endsAt > 0 && (
            <Fact name="Until">
              {formatTime(event.endsAt)}, after {formatValue((event.endsAt - event.startsAt) / 1000, "s")}
            </Fact>
          )}
          <Fact name="More">
            <Link href={`/history?fingerprint=${event.fingerprint}`}>Everything about this alert</Link>
          </Fact>
        </dl>
      );
    case "notification":
      return (
        <dl>
          <Fact name="Group">
            <Link href={`/history?group=${encodeURIComponent(event.groupKey)}`} title="The history of this group">
              <code>{event.groupKey}</code>
            </Link>
          </Fact>
          <Alerts name="Firing" list={event.firing} known={known} />
          <Alerts name="Resolved" list={event.resolved} known={known} />
          <Causes event={event} known={known} />
          {event.attempts !== undefined && (
            <Fact name="Took">
              {formatValue((event.durationMs ?? 0) / 1000, "s")}, {event.attempts}{" "}
              {event.attempts === 1 ? "attempt" : "attempts"}
            </Fact>
          )}
          {event.response && (
            <Fact name={event.outcome === "failed" ? "Went wrong" : "Answer"}>
              <pre>{event.response}</pre>
            </Fact>
          )}
        </dl>
      );
    case "silence":
      return (
        <dl>
          <Fact name="Holds">
            {formatTime(event.startsAt)} – {formatTime(event.endsAt)}
          </Fact>
          {event.recurrence && <Fact name="Repeats">{event.recurrence}</Fact>}
          <Fact name="More">
            <Link href={`/silences?q=${event.id}`}>The silence</Link>
          </Fact>
        </dl>
      );
    case "config":
      return (
        <dl>
          <Fact name="Message">
            <pre>{event.message}</pre>
          </Fact>
        </dl>
      );
  }
}

function Row({ event, known }: { event: HistoryEvent; known: Known }) {
  const { status, outcome, title, reason } = tell(event);
  const [open, setOpen] = useState(false);
  return (
    <details className="event" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time dateTime={new Date(event.time).toISOString()}>{formatTime(event.time).slice(11)}</time>
        <span className="kind">{event.kind}</span>
        <Badge status={status}>{outcome}</Badge>
        <span className="what">
          <strong>{title}</strong> <span className="why">{reason}</span>
        </span>
      </summary>
      {open && <Details event={event} known={known} />}
    </details>
  );
}

/** Filters that are no list: what is shown while one of them is set, and how it is taken away. */
function Chips({ of }: { of: readonly (readonly [param: string, text: string])[] }) {
  return of.map(([param, text]) => (
    <button
      key={param}
      type="button"
      className="button"
      onClick={() => setParams({ [param]: undefined })}
      aria-label={`Without the filter ${text}`}
    >
      {text} ✕
    </button>
  ));
}

/** Moves from row to row; from outside the list to its first one. */
function step(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>(ROW)];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function Labels({ value }: { value: string }) {
  const [error, setError] = useState("");
  const apply = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("alert")).trim();
    try {
      if (text !== "") parseMatchers(text);
      setError("");
      setParams({ alert: text || undefined });
    } catch (failure) {
      setError((failure as Error).message);
    }
  };
  return (
    <form className="history-labels" onSubmit={apply} key={value}>
      <input
        className="input"
        name="alert"
        defaultValue={value}
        placeholder='Labels, as alertname="Down"'
        aria-label="Labels of alerts or groups"
        aria-invalid={error !== ""}
      />
      {error && (
        <p className="error-text" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

export function HistoryPage() {
  const { params } = useLocation();
  const range = useTimeRange(RANGE);
  const kind = params.get("kind") ?? "all";
  const outcome = params.get("outcome") ?? "";
  const receiver = params.get("receiver") ?? "";
  const fingerprint = params.get("fingerprint") ?? "";
  const group = params.get("group") ?? "";
  const alert = params.get("alert") ?? "";
  const search = (params.get("q") ?? "").toLowerCase();
  const limit = Math.min(MOST, Math.max(1, Math.floor(Number(params.get("limit") ?? LIMIT)) || LIMIT));
  const { data, error } = usePoll(
    async (signal) => {
      const wanted = new URLSearchParams({
        from: String(range.from / 1000),
        to: String(range.to / 1000),
        limit: String(limit),
      });
      const filters = { kind: kind === "all" ? "" : kind, outcome, receiver, fingerprint, groupKey: group };
      for (const [name, value] of Object.entries(filters)) if (value !== "") wanted.set(name, value);
      if (alert !== "") for (const matcher of parseMatchers(alert)) wanted.append("filter", matcherText(matcher));
      return (await alertmanager<{ events: HistoryEvent[] }>(`/api/v1/pharos/history?${wanted}`, { signal })).events;
    },
    0,
    [range.version, range.from, range.to, kind, outcome, receiver, fingerprint, group, alert, limit],
  );
  const receivers = usePoll((signal) => alertmanager<{ name: string }[]>("/api/v2/receivers", { signal }), 0);
  const current = usePoll((signal) => alertmanager<ManagedAlert[]>("/api/v2/alerts", { signal }), 60_000);
  const known = useMemo(
    () =>
      new Map([
        ...(current.data ?? []).map((one) => [one.fingerprint, one.labels] as const),
        ...knownAlerts(data ?? []),
      ]),
    [current.data, data],
  );
  const events = (data ?? []).filter((event) => contains(event, search));
  useShortcuts([
    { keys: "j", title: "Next event", run: () => step(1) },
    { keys: "k", title: "Previous event", run: () => step(-1) },
  ]);
  const subject = known.get(fingerprint);
  const chips = [
    ...(fingerprint ? [["fingerprint", subject?.alertname ?? fingerprint] as const] : []),
    ...(group ? [["group", group] as const] : []),
  ];
  return (
    <>
      <PageHead title="History" sub={data && `${events.length}${data.length >= limit ? " newest" : ""} events`}>
        <input
          type="search"
          className="input"
          placeholder="Search (/)"
          aria-label="Search events"
          defaultValue={params.get("q") ?? ""}
          onChange={(event) => setParams({ q: event.target.value }, true)}
        />
        <TimeRangePicker range={range} />
      </PageHead>
      <fieldset className="history-filters" aria-label="Filters">
        {KINDS.map((one) => (
          <button
            key={one}
            type="button"
            className="button"
            aria-pressed={kind === one}
            onClick={() => setParams({ kind: one === "all" ? undefined : one, outcome: undefined })}
          >
            {one}
          </button>
        ))}
        {OUTCOMES[kind] && (
          <select
            aria-label="Outcome"
            value={outcome}
            onChange={({ target }) => setParams({ outcome: target.value || undefined })}
          >
            <option value="">any outcome</option>
            {OUTCOMES[kind]!.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        )}
        <select
          aria-label="Receiver"
          value={receiver}
          onChange={({ target }) => setParams({ receiver: target.value || undefined })}
        >
          <option value="">any receiver</option>
          {[...new Set([...(receivers.data ?? []).map(({ name }) => name), ...(receiver ? [receiver] : [])])].map(
            (one) => (
              <option key={one}>{one}</option>
            ),
          )}
        </select>
        <Labels value={alert} />
        <Chips of={chips} />
        <Link className="button quiet" href="/routing">
          Routing
        </Link>
      </fieldset>
      {subject && (
        <p className="history-subject">
          <LabelList labels={subject} />
        </p>
      )}
      <Stale of="Alertmanager" error={error} data={data} />
      {events.length === 0 && (
        <Empty error={error} loading={!data}>
          {data?.length
            ? "No event matches the search."
            : "Nothing happened in this time, or nothing that the filters let through. A longer range shows more."}
        </Empty>
      )}
      {[...byDay(events)].map(([day, list]) => (
        <section key={day} className="card history-day" aria-label={day}>
          <h2>{day}</h2>
          {list.map((event, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two events may be the same in all they tell
            <Row key={`${event.time} ${event.kind} ${list.length - i}`} event={event} known={known} />
          ))}
        </section>
      ))}
      {data && data.length >= limit && limit < MOST && (
        <button
          type="button"
          className="button"
          onClick={() => setParams({ limit: String(Math.min(MOST, limit * 5)) })}
        >
          Older ones
        </button>
      )}
    </>
  );
}
