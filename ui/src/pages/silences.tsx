import { type FormEvent, useState } from "react";
import { parseInterval } from "../core/time.ts";
import { formatValue, fromNow } from "../core/units.ts";
import { alertmanager } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Badge, Empty, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";

interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

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

/** `a="b", c=~"d.*"` as matchers; throws with what is wrong. */
export function parseMatchers(text: string): SilenceMatcher[] {
  const out: SilenceMatcher[] = [];
  let rest = text.trim().replace(/^\{|\}$/g, "");
  while (rest !== "") {
    const match =
      /^\s*([a-zA-Z_][\w.]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^",\s]+)\s*(?:,\s*|$)/.exec(rest);
    if (!match) throw new Error(`not a matcher: ${rest}. Write it like alertname="CPUTempHigh", instance=~"node-.*"`);
    const [all, name, operator, value] = match;
    const unquote = (part: string): string => (part.startsWith('"') ? (JSON.parse(part) as string) : part);
    out.push({
      name: unquote(name),
      value: unquote(value),
      isRegex: operator.endsWith("~"),
      isEqual: !operator.startsWith("!"),
    });
    rest = rest.slice(all.length);
  }
  if (out.length === 0) throw new Error("a silence needs at least one matcher");
  return out;
}

function text({ name, value, isRegex, isEqual }: SilenceMatcher): string {
  return `${name}${isEqual ? (isRegex ? "=~" : "=") : isRegex ? "!~" : "!="}${JSON.stringify(value)}`;
}

function NewSilence({ matchers, onDone }: { matchers: string; onDone: () => void }) {
  const [error, setError] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      const duration = parseInterval(String(form.get("duration")));
      if (!duration) throw new Error("the duration is like 2h or 30m");
      const now = Date.now();
      await alertmanager("/api/v2/silences", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          matchers: parseMatchers(String(form.get("matchers"))),
          startsAt: new Date(now).toISOString(),
          endsAt: new Date(now + duration).toISOString(),
          createdBy: form.get("author"),
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
      <h2>New silence</h2>
      <label>
        Matchers
        <input
          className="input"
          name="matchers"
          defaultValue={matchers}
          placeholder='alertname="CPUTempHigh"'
          required
        />
      </label>
      <div className="row">
        <label>
          For
          <input className="input" name="duration" defaultValue="2h" required size={8} />
        </label>
        <label>
          Who
          <input className="input" name="author" required />
        </label>
      </div>
      <label>
        Why
        <input className="input" name="comment" required />
      </label>
      {error && (
        <p className="note is-error" role="alert">
          {error}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary">
          Silence
        </button>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
      </div>
    </form>
  );
}

export function SilencesPage() {
  const { params } = useLocation();
  const creating = params.get("new");
  const [failure, setFailure] = useState("");
  const { data, error, refresh } = usePoll(() => alertmanager<Silence[]>("/api/v2/silences"), 5_000);
  const expire = async (id: string): Promise<void> => {
    try {
      await alertmanager(`/api/v2/silence/${id}`, { method: "DELETE" });
      setFailure("");
    } catch (reason) {
      setFailure(reason instanceof Error ? reason.message : String(reason));
    }
    refresh();
  };
  return (
    <>
      <PageHead
        title="Silences"
        sub={data && `${data.filter(({ status }) => status.state === "active").length} active`}
      >
        {creating === null && (
          <button type="button" className="button primary" onClick={() => setParams({ new: " " })}>
            New silence
          </button>
        )}
      </PageHead>
      {creating !== null && (
        <NewSilence
          matchers={creating.trim()}
          onDone={() => {
            setParams({ new: undefined });
            refresh();
          }}
        />
      )}
      {failure && (
        <p className="note is-error" role="alert">
          {failure}
        </p>
      )}
      {!data?.length && (
        <Empty error={error} loading={!data}>
          No silences. An alert's Silence button starts one with its labels.
        </Empty>
      )}
      {data?.map((silence) => (
        <article key={silence.id} className="card alert-card">
          <div className="rule-head">
            <Badge status={STATUS[silence.status.state]}>{silence.status.state}</Badge>
            <strong>{silence.comment}</strong>
            <span className="when">
              {silence.createdBy} ·{" "}
              {silence.status.state === "expired"
                ? `ended ${fromNow(Date.parse(silence.endsAt))}`
                : `ends in ${formatValue((Date.parse(silence.endsAt) - Date.now()) / 1000, "s")}`}
            </span>
            {silence.status.state !== "expired" && (
              <button type="button" className="button" onClick={() => void expire(silence.id)}>
                Expire
              </button>
            )}
          </div>
          <span className="labels">
            {silence.matchers.map((matcher) => (
              <span key={text(matcher)} className="label">
                {text(matcher)}
              </span>
            ))}
          </span>
        </article>
      ))}
    </>
  );
}
