import { type FormEvent, useState } from "react";
import type { ManagedAlert } from "../core/alerts.ts";
import { matcherText, parseMatchers, type SilenceMatcher } from "../core/matchers.ts";
import { formatTime, parseInterval } from "../core/time.ts";
import { formatValue, fromNow } from "../core/units.ts";
import { alertmanager } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { FilterBar } from "../shell/filter-bar.tsx";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, PageHead, Stale } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { RuleFields, ruleOf, SeriesCard } from "./recurring.tsx";
import { RECURRING, readRule, ruleText, type Series, type SeriesAnswer } from "./recurring-rule.ts";
import "./history.css";

interface Silence {
  id: string;
  status: { state: "active" | "pending" | "expired" };
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
  annotations?: Record<string, string>;
}

const STATUS: Record<Silence["status"]["state"], string> = { active: "ok", pending: "warning", expired: "idle" };
const ORDER: readonly Silence["status"]["state"][] = ["active", "pending", "expired"];
const FILTERS = ["all", "active", "pending", "expired"] as const;
const POLL_MS = 5_000;
/** Who silenced last, so that one types the name once. */
const AUTHOR_KEY = "pharos.author";

/** Alerts that the matchers would silence, as Alertmanager itself sees it. */
function Preview({ text }: { text: string }) {
  const { data, error } = usePoll(
    async (signal) => {
      const params = new URLSearchParams(parseMatchers(text).map((matcher) => ["filter", matcherText(matcher)]));
      return alertmanager<ManagedAlert[]>(`/api/v2/alerts?${params}`, { signal });
    },
    POLL_MS,
    [text],
  );
  if (error) return <p className="error-text">{error}</p>;
  if (!data) return null;
  const names = [...new Set(data.map(({ labels }) => labels.alertname ?? ""))];
  return (
    <p className="sub" role="status">
      {data.length === 0
        ? "Matches no alert right now."
        : `Matches ${data.length} alert${data.length === 1 ? "" : "s"}: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`}
    </p>
  );
}

async function post(path: string, body: unknown): Promise<void> {
  await alertmanager(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The form of a new silence, or of one that is changed, or of a series. */
function Editor({
  matchers,
  of,
  series,
  recurring,
  onDone,
}: {
  matchers: string;
  of: Silence | undefined;
  series: Series | undefined;
  /** Whether silences may come back. */
  recurring: boolean;
  onDone: () => void;
}) {
  const [error, setError] = useState("");
  const [text, setText] = useState(matchers);
  const [repeats, setRepeats] = useState(series !== undefined);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      const about = {
        matchers: parseMatchers(text),
        createdBy: String(form.get("author")),
        comment: form.get("comment"),
      };
      localStorage.setItem(AUTHOR_KEY, about.createdBy);
      if (repeats) await post(RECURRING, { ...about, id: series?.id, recurrence: ruleOf(form) });
      else {
        const duration = parseInterval(String(form.get("duration")).trim());
        if (!duration) throw new Error("The duration is like 2h, 30m or 1d12h.");
        const now = Date.now();
        await post("/api/v2/silences", {
          ...about,
          ...(of && of.status.state !== "expired" ? { id: of.id } : {}),
          startsAt: of?.status.state === "active" ? of.startsAt : new Date(now).toISOString(),
          endsAt: new Date(now + duration).toISOString(),
        });
      }
      onDone();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  };
  const known = of ?? series;
  return (
    <form className="card form" onSubmit={(event) => void submit(event)}>
      <h2>{known ? "Change the silence" : "New silence"}</h2>
      <label>
        Matchers
        <input
          className="input"
          name="matchers"
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder='alertname="CPUTempHigh", instance=~"node-.*"'
          required
        />
      </label>
      {text.trim() !== "" && <Preview text={text} />}
      {repeats && <RuleFields rule={series && readRule(series.recurrence)} />}
      <div className="row">
        {recurring && !known && (
          <label>
            How often
            <select
              className="input"
              value={String(repeats)}
              onChange={({ target }) => setRepeats(target.value === "true")}
            >
              <option value="false">once</option>
              <option value="true">again and again</option>
            </select>
          </label>
        )}
        {!repeats && (
          <label>
            For, from now
            <input className="input" name="duration" defaultValue="2h" required size={8} />
          </label>
        )}
        <label>
          Who
          <input
            className="input"
            name="author"
            defaultValue={known?.createdBy ?? localStorage.getItem(AUTHOR_KEY) ?? ""}
            required
          />
        </label>
      </div>
      <label>
        Why
        <input className="input" name="comment" defaultValue={known?.comment ?? ""} required />
      </label>
      {error && (
        <p className="note is-error" role="alert">
          {error}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary">
          {known ? "Save" : "Silence"}
        </button>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function ruleOfWindow({ annotations }: Silence): string | undefined {
  return annotations?.pharos_recurrence;
}

function SilenceCard({ silence, expire }: { silence: Silence; expire: () => void }) {
  const { state } = silence.status;
  const rule = ruleOfWindow(silence);
  const starts = Date.parse(silence.startsAt);
  const ends = Date.parse(silence.endsAt);
  const left = (time: number): string => formatValue((time - Date.now()) / 1000, "s");
  const when =
    state === "expired"
      ? `ended ${fromNow(ends)}`
      : state === "pending"
        ? `starts in ${left(starts)}`
        : `ends in ${left(ends)}`;
  return (
    <article className="card alert-card">
      <div className="rule-head">
        <Badge status={STATUS[state]}>{state}</Badge>
        <strong>{silence.comment}</strong>
        <span className="when" title={`${formatTime(starts)} – ${formatTime(ends)}`}>
          {silence.createdBy} · {when}
        </span>
        {(rule === undefined || state === "expired") && (
          <button type="button" className="button" onClick={() => setParams({ edit: silence.id, new: undefined })}>
            {state === "expired" ? "Again" : "Change"}
          </button>
        )}
        {state !== "expired" && rule === undefined && (
          <button type="button" className="button" onClick={expire}>
            Expire
          </button>
        )}
        <Link className="button quiet" href={`/history?kind=silence&from=now-7d&q=${silence.id}`}>
          History
        </Link>
      </div>
      {rule !== undefined && <p className="sub">A window of the recurring silence {ruleText(rule)}</p>}
      <span className="labels">
        {silence.matchers.map((matcher) => (
          <span key={matcherText(matcher)} className="label">
            {matcherText(matcher)}
          </span>
        ))}
      </span>
    </article>
  );
}

export function SilencesPage() {
  const { params } = useLocation();
  const creating = params.get("new");
  const editing = params.get("edit");
  const state = params.get("state") ?? "all";
  const search = (params.get("q") ?? "").toLowerCase();
  const [failure, setFailure] = useState("");
  const { data, error, refresh } = usePoll(
    (signal) => alertmanager<Silence[]>("/api/v2/silences", { signal }),
    POLL_MS,
  );
  const recurring = usePoll((signal) => alertmanager<SeriesAnswer>(RECURRING, { signal }), POLL_MS);
  const change = async (method: "DELETE" | "POST", path: string): Promise<void> => {
    try {
      await alertmanager(path, { method });
      setFailure("");
    } catch (reason) {
      setFailure(reason instanceof Error ? reason.message : String(reason));
    }
    refresh();
    recurring.refresh();
  };
  const ofSeries = (id: string): string => `${RECURRING}/${encodeURIComponent(id)}`;
  const series = (recurring.data?.series ?? [])
    .filter(({ status }) => (state === "all" ? status.state !== "expired" : status.state === state))
    .filter((one) =>
      `${one.id} ${one.silences.join(" ")} ${one.comment} ${one.createdBy} ${one.recurrence} ${one.matchers.map(matcherText).join(" ")}`
        .toLowerCase()
        .includes(search),
    );
  const editedSeries = recurring.data?.series.find(({ id }) => id === params.get("series"));
  const edited = data?.find(({ id }) => id === editing);
  const shown = (data ?? [])
    // What its series shows already is left out, unless somebody looks for it.
    .filter(
      (silence) => state !== "all" || search !== "" || silence.status.state === "expired" || !ruleOfWindow(silence),
    )
    .filter((silence) => state === "all" || silence.status.state === state)
    .filter((silence) =>
      `${silence.id} ${silence.comment} ${silence.createdBy} ${silence.matchers.map(matcherText).join(" ")}`
        .toLowerCase()
        .includes(search),
    )
    .sort(
      (a, b) =>
        ORDER.indexOf(a.status.state) - ORDER.indexOf(b.status.state) || Date.parse(b.endsAt) - Date.parse(a.endsAt),
    );
  const isOpen = creating !== null || edited !== undefined || editedSeries !== undefined;
  const subject = edited ?? editedSeries;
  return (
    <>
      <PageHead
        title="Silences"
        sub={data && `${data.filter(({ status }) => status.state === "active").length} active`}
      >
        <FilterBar of="silences" param="state" choices={FILTERS} />
        {!isOpen && (
          <button type="button" className="button primary" onClick={() => setParams({ new: " " })}>
            New silence
          </button>
        )}
      </PageHead>
      <Stale of="Alertmanager" error={error} data={data} />
      {isOpen && (
        <Editor
          key={subject?.id ?? "new"}
          matchers={subject ? subject.matchers.map(matcherText).join(", ") : creating!.trim()}
          of={edited}
          series={editedSeries}
          recurring={recurring.data?.enabled ?? false}
          onDone={() => {
            setParams({ new: undefined, edit: undefined, series: undefined });
            refresh();
            recurring.refresh();
          }}
        />
      )}
      {failure && (
        <p className="note is-error" role="alert">
          {failure}
        </p>
      )}
      {series.length > 0 && (
        <section className="series" aria-label="Recurring silences">
          <h2>Recurring</h2>
          {series.map((one) => (
            <SeriesCard
              key={one.id}
              series={one}
              skip={() => void change("POST", `${ofSeries(one.id)}/skip`)}
              end={() => void change("DELETE", ofSeries(one.id))}
            />
          ))}
        </section>
      )}
      {shown.length === 0 && series.length === 0 && (
        <Empty error={error} loading={!data}>
          {data?.length
            ? "No silence matches the filter."
            : "No silences. An alert's Silence button starts one with its labels."}
        </Empty>
      )}
      {shown.map((silence) => (
        <SilenceCard
          key={silence.id}
          silence={silence}
          expire={() => void change("DELETE", `/api/v2/silence/${encodeURIComponent(silence.id)}`)}
        />
      ))}
    </>
  );
}
