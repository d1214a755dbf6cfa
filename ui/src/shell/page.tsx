import { type ReactNode, useEffect } from "react";

/** Heading of a page; sets the document's title. */
export function PageHead({ title, sub, children }: { title: string; sub?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Pharos`;
  }, [title]);
  return (
    <header className="page-head">
      <h1>{title}</h1>
      {sub !== undefined && <span className="sub">{sub}</span>}
      {children !== undefined && <div className="right">{children}</div>}
    </header>
  );
}

const WORDS: Record<string, string> = { ok: "ok", warning: "warning", error: "error", idle: "idle" };

/** Status as colour, sign and word. */
export function Badge({ status, children }: { status: string; children?: ReactNode }) {
  return <span className={`badge is-${status}`}>{children ?? WORDS[status] ?? status}</span>;
}

export function LabelList({
  labels,
  skip = [],
}: {
  labels: Readonly<Record<string, string>>;
  skip?: readonly string[];
}) {
  return (
    <span className="labels">
      {Object.entries(labels)
        .filter(([name]) => !skip.includes(name))
        .map(([name, value]) => (
          <span key={name} className="label">
            {name}="{value}"
          </span>
        ))}
    </span>
  );
}

/** What stands where data would be while there is none, with the reason. */
export function Empty({ error, loading, children }: { error?: string; loading?: boolean; children: ReactNode }) {
  if (error) {
    return (
      <p className="note is-error" role="alert">
        {error}
      </p>
    );
  }
  return <p className="note">{loading ? "Loading …" : children}</p>;
}

/** Told above data that could not be renewed. */
export function Stale({ of, error, data }: { of: string; error: string | undefined; data: unknown }) {
  if (!error || data === undefined) return null;
  return (
    <p className="note is-warning" role="status">
      {of} does not answer, what follows is from before: {error}
    </p>
  );
}
