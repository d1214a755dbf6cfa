import { matcherText } from "../core/matchers.ts";
import { formatTime } from "../core/time.ts";
import { Badge } from "../shell/page.tsx";
import { setParams } from "../shell/router.ts";
import { DAYS, type Rule, ruleText, type Series } from "./recurring-rule.ts";

const STATUS: Record<Series["status"]["state"], string> = { active: "ok", pending: "warning", expired: "idle" };

const ZONES = [
  ...new Set([Intl.DateTimeFormat().resolvedOptions().timeZone, "UTC", ...Intl.supportedValuesOf("timeZone")]),
];

/** The fields of a rule; `ruleOf` reads them. */
export function RuleFields({ rule }: { rule: Rule | undefined }) {
  return (
    <>
      <fieldset className="days">
        <legend>On these days</legend>
        {DAYS.map((day) => (
          <label key={day}>
            <input type="checkbox" name="day" value={day} defaultChecked={rule?.days.includes(day) ?? true} />
            {day}
          </label>
        ))}
      </fieldset>
      <div className="row">
        <label>
          From
          <input className="input" name="from" type="time" defaultValue={rule?.from ?? "22:00"} required />
        </label>
        <label title="Not after “from”: it ends on the next day">
          To
          <input className="input" name="to" type="time" defaultValue={endField(rule?.to ?? "06:00")} required />
        </label>
        <label>
          Time zone
          <input
            className="input"
            name="timeZone"
            list="time-zones"
            defaultValue={rule?.timeZone ?? ZONES[0]}
            required
          />
        </label>
        <label>
          Until
          <input className="input" name="until" type="date" defaultValue={rule?.until.slice(0, 10)} />
        </label>
        <datalist id="time-zones">
          {ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
    </>
  );
}

/** A field for times knows no 24:00; midnight is the same, for a window that begins later than that. */
function endField(text: string): string {
  return text === "24:00" ? "00:00" : text;
}

export function ruleOf(form: FormData): Omit<Rule, "since"> {
  const days = form.getAll("day").map(String);
  if (days.length === 0) throw new Error("A recurring silence needs a day of the week.");
  const until = String(form.get("until") ?? "");
  return {
    days,
    from: String(form.get("from")),
    to: String(form.get("to")),
    timeZone: String(form.get("timeZone")).trim(),
    until: until === "" ? "" : new Date(`${until}T00:00:00`).toISOString(),
  };
}

export function SeriesCard({ series, skip, end }: { series: Series; skip: () => void; end: () => void }) {
  const { id, status, recurrence, matchers, createdBy, comment, windows } = series;
  const { state } = status;
  return (
    <article className="card alert-card">
      <div className="rule-head">
        <Badge status={STATUS[state]}>{state}</Badge>
        <strong>{comment}</strong>
        <span>{ruleText(recurrence)}</span>
        <span className="when">{createdBy}</span>
        {state !== "expired" && (
          <>
            <button type="button" className="button" onClick={() => setParams({ series: id, new: undefined })}>
              Change
            </button>
            <button type="button" className="button" onClick={skip}>
              {state === "active" ? "End this window" : "Skip the next"}
            </button>
            <button type="button" className="button" onClick={end}>
              End for good
            </button>
          </>
        )}
      </div>
      <span className="labels">
        {matchers.map((matcher) => (
          <span key={matcherText(matcher)} className="label">
            {matcherText(matcher)}
          </span>
        ))}
      </span>
      {windows.length > 0 && (
        <p className="sub">
          {windows.slice(0, 3).map(({ startsAt, endsAt, skipped }, i) => (
            <span key={startsAt}>
              {i > 0 && " · "}
              {skipped ? <s>{windowText(startsAt, endsAt)}</s> : windowText(startsAt, endsAt)}
            </span>
          ))}
        </p>
      )}
    </article>
  );
}

/** Local times; the day of the end only where it is another one. */
function windowText(startsAt: string, endsAt: string): string {
  const [from, to] = [startsAt, endsAt].map((text) => formatTime(Date.parse(text)).slice(0, 16));
  return `${from} – ${from!.slice(0, 10) === to!.slice(0, 10) ? to!.slice(11) : to}`;
}
