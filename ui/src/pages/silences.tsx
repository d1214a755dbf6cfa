import { type FormEvent, useState } from "react";
import type { ManagedAlert } from "../core/alerts.ts";
import { matcherText, parseMatchers, type SilenceMatcher } from "../core/matchers.ts";
import { formatTime, parseInterval } from "../core/time.ts";
import { formatValue, fromNow } from "../core/units.ts";
import { alertmanager } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { FilterBar } from "../shell/filter-bar.tsx";
import { Badge, Empty, PageHead, Stale } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";

interface Silence {
  id: string;
  status: { state: "active" | "pending" | "expired" };
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
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

/** The form of a new silence, or of one that is changed. */
function Editor({ matchers, of, onDone }: { matchers: string; of: Silence | undefined; onDone: () => void }) {
  const [error, setError] = useState("");
  const [text, setText] = useState(matchers);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      const duration = parseInterval(String(form.get("duration")).trim());
      if (!duration) throw new Error("The duration is like 2h, 30m or 1d12h.");
      const now = Date.now();
      const author = String(form.get("author"));
      localStorage.setItem(AUTHOR_KEY, author);
      await alertmanager("/api/v2/silences", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          ...(of && of.status.state !== "expired" ? { id: of.id } : {}),
          matchers: parseMatchers(text),
          startsAt: of?.status.state === "active" ? of.startsAt : new Date(now).toISOString(),
          endsAt: new Date(now + duration).toISOString(),
          createdBy: author,
          comment: form.get("comment"),
        }),
      });
      onDone();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  };
  return (
    <form className="card form" onSubmit={(event) => void submit(event)}>
      <h2>{of ? "Change the silence" : "New silence"}</h2>
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
      <div className="row">
        <label>
          For, from now
          <input className="input" name="duration" defaultValue="2h" required size={8} />
        </label>
        <label>
          Who
          <input
            className="input"
            name="author"
            defaultValue={of?.createdBy ?? localStorage.getItem(AUTHOR_KEY) ?? ""}
            required
          />
        </label>
      </div>
      <label>
        Why
        <input className="input" name="comment" defaultValue={of?.comment ?? ""} required />
      </label>
      {error && (
        <p className="note is-error" role="alert">
          {error}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary">
          {of ? "Save" : "Silence"}
        </button>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function SilenceCard({ silence, expire }: { silence: Silence; expire: () => void }) {
  const { state } = silence.status;
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
        <button type="button" className="button" onClick={() => setParams({ edit: silence.id, new: undefined })}>
          {state === "expired" ? "Again" : "Change"}
        </button>
        {state !== "expired" && (
          <button type="button" className="button" onClick={expire}>
            Expire
          </button>
        )}
      </div>
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
  const expire = async (id: string): Promise<void> => {
    try {
      await alertmanager(`/api/v2/silence/${encodeURIComponent(id)}`, { method: "DELETE" });
      setFailure("");
    } catch (reason) {
      setFailure(reason instanceof Error ? reason.message : String(reason));
    }
    refresh();
  };
  const edited = data?.find(({ id }) => id === editing);
  const shown = (data ?? [])
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
  const isOpen = creating !== null || edited !== undefined;
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
          key={edited?.id ?? "new"}
          matchers={edited ? edited.matchers.map(matcherText).join(", ") : creating!.trim()}
          of={edited}
          onDone={() => {
            setParams({ new: undefined, edit: undefined });
            refresh();
          }}
        />
      )}
      {failure && (
        <p className="note is-error" role="alert">
          {failure}
        </p>
      )}
      {shown.length === 0 && (
        <Empty error={error} loading={!data}>
          {data?.length
            ? "No silence matches the filter."
            : "No silences. An alert's Silence button starts one with its labels."}
        </Empty>
      )}
      {shown.map((silence) => (
        <SilenceCard key={silence.id} silence={silence} expire={() => void expire(silence.id)} />
      ))}
    </>
  );
}
