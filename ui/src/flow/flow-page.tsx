/** The monitoring flow, live: every component, what flows between them, and what is wrong. */
import type { Flow, FlowEdge, FlowFact, FlowNode, FlowProblem } from "@pharos/model/flow";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { formatValue } from "../core/units.ts";
import { getJson } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Link } from "../shell/link.tsx";
import { Badge, Empty, PageHead } from "../shell/page.tsx";
import { type Arrow, type Box, layoutFlow } from "./layout.ts";

const POLL_MS = 2_000;
/** Below this the drawing becomes a list. */
const NARROW = 760;

const ICONS: Record<FlowNode["kind"], ReactNode> = {
  resources: <path d="M5 4h9l5 5v11H5zM14 4v5h5M8 13h8M8 16h5" />,
  operator: (
    <path d="M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2" />
  ),
  exporter: <path d="M4 5h16v5H4zM4 14h16v5H4zM7 7.500h.01M7 16.500h.01" />,
  application: <path d="M12 3 20 7.500v9L12 21l-8-4.500v-9zM12 12l8-4.500M12 12v9M12 12 4 7.500" />,
  prometheus: (
    <path d="M12 3c1 3.500 4.500 5 4.500 9a4.500 4.500 0 0 1-9 0c0-1.500.6-2.600 1.300-3.500.2 1.300.8 2 1.600 2.300C10 8 10.500 5.500 12 3zM7 19h10M9 21.500h6" />
  ),
  rules: <path d="M5 6h14M5 12h9M5 18h6M17 15l2 2 3-4" />,
  alertmanager: <path d="M6 16V11a6 6 0 1 1 12 0v5l1.500 2h-15zM10 21h4" />,
  channel: <path d="M4 5h16v11H9l-5 4zM8 9h8M8 12h5" />,
  dashboards: <path d="M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z" />,
};

function factText({ value, unit }: FlowFact): string {
  return typeof value === "number" ? formatValue(value, unit ?? "short") : value;
}

function Facts({ facts }: { facts: readonly FlowFact[] }) {
  return (
    <dl className="flow-facts">
      {facts.map((fact) => (
        <div key={fact.label}>
          <dt>{fact.label}</dt>
          <dd>{factText(fact)}</dd>
        </div>
      ))}
    </dl>
  );
}

function NodeCard({ node, style }: { node: FlowNode; style?: React.CSSProperties }) {
  const body = (
    <>
      <span className="flow-node-head">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          {ICONS[node.kind]}
        </svg>
        <span className="flow-node-title" title={node.title}>
          {node.title}
        </span>
        <span className={`flow-dot is-${node.status}`} title={node.status}>
          <span className="visually-hidden">{node.status}</span>
        </span>
      </span>
      {node.subtitle && (
        <span className="flow-node-sub" title={node.subtitle}>
          {node.subtitle}
        </span>
      )}
      {node.facts.length > 0 && <Facts facts={node.facts.slice(0, 4)} />}
    </>
  );
  const className = `flow-node is-${node.status}-edge kind-${node.kind}`;
  // The resources page is the API itself, not a page of this application.
  return node.href && node.kind !== "resources" ? (
    <Link href={node.href} className={className} style={style}>
      {body}
    </Link>
  ) : (
    <div className={className} style={style}>
      {body}
    </div>
  );
}

/** The one figure worth standing on the arrow itself. */
function edgeText({ label, facts, status }: FlowEdge): string {
  const get = (name: string): FlowFact | undefined => facts.find((fact) => fact.label === name);
  const failed = get("failed") ?? get("rejected") ?? get("failing") ?? get("down");
  if ((status === "error" || status === "warning") && failed && Number(failed.value) > 0)
    return `${factText(failed)} ${failed.label}`;
  const rate = get("samples/s");
  if (rate) return `${formatValue(Number(rate.value), "short", Number(rate.value) < 10 ? 1 : 0)}/s`;
  const sent = get("sent");
  if (sent) return `${factText(sent)} ${label}`;
  const objects = get("objects");
  return objects ? `${factText(objects)} objects` : label;
}

function describeEdge(edge: FlowEdge): string {
  return `${edge.label}: ${edge.facts.map((fact) => `${fact.label} ${factText(fact)}`).join(", ")}`;
}

function Drawing({ flow, width }: { flow: Flow; width: number }) {
  const layout = layoutFlow(flow);
  const scale = Math.min(1.15, width / layout.width);
  return (
    <div className="flow-canvas" style={{ height: layout.height * scale }}>
      <div
        style={{
          width: layout.width,
          height: layout.height,
          transform: `scale(${scale})`,
          transformOrigin: "0 0",
          position: "relative",
        }}
      >
        <svg className="flow-arrows" width={layout.width} height={layout.height} aria-hidden="true">
          <defs>
            {["ok", "warning", "error", "idle"].map((status) => (
              <marker
                key={status}
                id={`tip-${status}`}
                viewBox="0 0 8 8"
                refX="6"
                refY="4"
                markerWidth="7"
                markerHeight="7"
                orient="auto-start-reverse"
              >
                <path d="M0 0 8 4 0 8z" className={`tip-${status}`} />
              </marker>
            ))}
          </defs>
          {layout.arrows.map(({ edge, path }: Arrow) => (
            <g key={edge.id}>
              <path d={path} className={`flow-line line-${edge.status}`} markerEnd={`url(#tip-${edge.status})`} />
              {edge.status !== "idle" && <path d={path} className={`flow-pulse line-${edge.status}`} />}
            </g>
          ))}
        </svg>
        {layout.arrows.map(({ edge, x, y }: Arrow) => (
          <span
            key={edge.id}
            className={`flow-edge is-${edge.status}`}
            style={{ left: x, top: y }}
            title={describeEdge(edge)}
          >
            {edgeText(edge)}
          </span>
        ))}
        {layout.boxes.map(({ node, x, y, width: boxWidth, height }: Box) => (
          <NodeCard
            key={node.id}
            node={node}
            style={{ position: "absolute", left: x, top: y, width: boxWidth, height }}
          />
        ))}
      </div>
    </div>
  );
}

const ORDER: FlowNode["kind"][] = [
  "resources",
  "operator",
  "application",
  "exporter",
  "prometheus",
  "rules",
  "alertmanager",
  "channel",
  "dashboards",
];

/** The same in one column, each box with what arrives at it. */
function List({ flow }: { flow: Flow }) {
  const nodes = [...flow.nodes].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return (
    <ol className="flow-list">
      {nodes.map((node) => (
        <li key={node.id}>
          {flow.edges
            .filter(({ to, from }) => to === node.id && !from.startsWith("target/"))
            .map((edge) => (
              <span key={edge.id} className={`flow-in is-${edge.status}`}>
                ↓ {edgeText(edge)}
              </span>
            ))}
          <NodeCard node={node} />
        </li>
      ))}
    </ol>
  );
}

function Problems({ problems }: { problems: readonly FlowProblem[] }) {
  if (problems.length === 0) {
    return (
      <p className="note flow-quiet">
        Nothing is wrong: every monitor is selected, every target is up, every rule evaluates.
      </p>
    );
  }
  return (
    <ul className="flow-problems">
      {problems.map((problem) => (
        <li key={`${problem.code} ${problem.object} ${problem.message}`} className="card">
          <Badge status={problem.severity} />
          <div>
            <strong>{problem.object}</strong>
            <p>{problem.message}</p>
            {problem.fix && <p className="fix">→ {problem.fix}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}

export function FlowPage() {
  const { data: flow, error } = usePoll((signal) => getJson<Flow>("/api/pharos/flow", { signal }), POLL_MS);
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  const errors = flow?.problems.filter(({ severity }) => severity === "error").length ?? 0;
  const warnings = (flow?.problems.length ?? 0) - errors;
  return (
    <>
      <PageHead title="Flow" sub="from resources to notifications">
        {flow && (
          <>
            <Badge status={errors > 0 ? "error" : "ok"}>
              {errors === 0 ? "no errors" : `${errors} error${errors > 1 ? "s" : ""}`}
            </Badge>
            {warnings > 0 && <Badge status="warning">{`${warnings} warning${warnings > 1 ? "s" : ""}`}</Badge>}
          </>
        )}
      </PageHead>
      {error && (
        <p className="note is-error" role="alert">
          {error}
        </p>
      )}
      <div ref={frame} data-testid="flow">
        {!flow && !error && <Empty loading>.</Empty>}
        {flow && width > 0 && (width < NARROW ? <List flow={flow} /> : <Drawing flow={flow} width={width} />)}
      </div>
      {flow && (
        <section aria-label="Problems" className="flow-section">
          <h2>Problems</h2>
          <Problems problems={flow.problems} />
        </section>
      )}
    </>
  );
}
