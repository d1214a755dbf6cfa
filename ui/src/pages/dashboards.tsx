import { getJson } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Link } from "../shell/link.tsx";
import { Empty, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";

interface Found {
  uid: string;
  title: string;
  url: string;
  tags: string[];
  folderTitle: string;
  source: string;
}

export default function DashboardsPage() {
  const { params } = useLocation();
  const search = (params.get("q") ?? "").toLowerCase();
  const { data, error } = usePoll((signal) => getJson<Found[]>("/api/search", { signal }), 10_000);
  const shown = (data ?? []).filter(({ title, tags }) => `${title} ${tags.join(" ")}`.toLowerCase().includes(search));
  return (
    <>
      <PageHead title="Dashboards" sub={data && `${data.length}`}>
        <input
          type="search"
          className="input"
          placeholder="Search (/)"
          aria-label="Search dashboards"
          defaultValue={params.get("q") ?? ""}
          onChange={(event) => setParams({ q: event.target.value }, true)}
        />
      </PageHead>
      {shown.length === 0 && (
        <Empty error={error} loading={!data}>
          No dashboard. A ConfigMap labelled grafana_dashboard: "1" with Grafana's JSON makes one.
        </Empty>
      )}
      <div className="board-list">
        {shown.map(({ uid, title, url, tags, source }) => (
          <Link key={uid} href={url} className="card">
            <h2>{title}</h2>
            <span className="sub">{source}</span>
            <span className="labels">
              {tags.map((tag) => (
                <span key={tag} className="label">
                  {tag}
                </span>
              ))}
            </span>
          </Link>
        ))}
      </div>
    </>
  );
}
