import type { Flow, FlowEdge, FlowFact, FlowProblem, FlowStatus } from "@pharos/model";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { formatValue } from "../core/units.ts";
import { getJson } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Icon } from "../kit/icon.tsx";
import { Link } from "../shell/link.tsx";
import { Empty, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { type Arrow, type Box, layoutFlow } from "./layout.ts";
import "./flow.css";

const WORDS: Record<FlowStatus, string> = { ok: "OK", warning: "Warning", error: "Error", idle: "Idle" };
const POLL_MS = 2000;

/** Status as colour, sign and word. */
function Status({ tone, children }: { tone: FlowStatus; children: ReactNode }) {
  return (
    <span className={`flow-status s-${tone}`}>
      <Icon name={tone} size={13} />
      {children}
    </span>
  );
}

function factText(fact: FlowFact): string {
  return typeof fact.value === "number" ? formatValue(fact.value, fact.unit ?? "short") : fact.value;
}

function summary(facts: readonly FlowFact[]): string {
  return facts.map((fact) => `${fact.label} ${factText(fact)}`).join(", ");
}

function NodeBox({ box, lit }: { box: Box; lit: boolean }) {
  const { node } = box;
  const style = { left: box.x, top: box.y, width: box.width, height: box.height };
  const className = `flow-node s-${node.status} kind-${node.kind}${box.compact ? " compact" : ""}${lit ? " lit" : ""}`;
  const content = (
    <>
      <span className="flow-node-icon">
        <Icon name={node.kind} size={box.compact ? 16 : 20} />
      </span>
      <span className="flow-node-title">
        <strong title={node.title}>{node.title}</strong>
        <span className="flow-node-sub">
          <Status tone={node.status}>
            <span
              className={
                box.compact && (node.status === "ok" || node.status === "idle") ? "visually-hidden" : undefined
              }
            >
              {WORDS[node.status]}
            </span>
          </Status>{" "}
          {box.compact
            ? node.facts
                .slice(0, 2)
                .map((fact) => `${factText(fact)} ${fact.label}`)
                .join(" · ") || node.subtitle
            : node.subtitle}
        </span>
      </span>
      {!box.compact && node.facts.length > 0 && (
        <dl className="flow-facts">
          {node.facts.slice(0, 6).map((fact) => (
            <div key={fact.label}>
              <dt>{fact.label}</dt>
              <dd className="num" title={factText(fact)}>
                {factText(fact)}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
  return node.href ? (
    <Link className={className} style={style} href={node.href} data-testid={`flow-node-${node.id}`}>
      {content}
    </Link>
  ) : (
    <div className={className} style={style} data-testid={`flow-node-${node.id}`}>
      {content}
    </div>
  );
}

function EdgePaths({ arrow, lit }: { arrow: Arrow; lit: boolean }) {
  const moving = arrow.edge.status !== "idle";
  return (
    <g className={`flow-edge s-${arrow.edge.status}${lit ? " lit" : ""}`}>
      <path className="flow-line" d={arrow.path} markerEnd={`url(#flow-tip-${arrow.edge.status})`} />
      {moving && <path className="flow-drops" d={arrow.path} />}
    </g>
  );
}

function EdgeLabel({ arrow, lit, select }: { arrow: Arrow; lit: boolean; select: (id: string) => void }) {
  if (!arrow.label) return null;
  const { edge } = arrow;
  const first = edge.facts[0];
  return (
    <button
      type="button"
      className={`flow-label s-${edge.status}${lit ? " lit" : ""}`}
      style={{ left: arrow.label.x, top: arrow.label.y }}
      aria-pressed={lit}
      title={summary(edge.facts)}
      onClick={() => select(lit ? "" : edge.id)}
    >
      <span>
        {edge.status !== "ok" && edge.status !== "idle" && <Icon name={edge.status} size={11} />}
        {edge.label}
      </span>
      <span className="visually-hidden">{WORDS[edge.status]}</span>
      {first && <b className="num">{factText(first)}</b>}
    </button>
  );
}

function Diagram({ flow }: { flow: Flow }) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const at = useLocation().params.get("at") ?? "";
  const setAt = (id: string): void => setParams({ at: id }, true);
  useEffect(() => {
    const element = frame.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  const layout = width > 0 ? layoutFlow(flow, width) : undefined;
  const edge = flow.edges.find((candidate) => candidate.id === at);
  return (
    <section aria-label="Monitoring flow" className="flow-frame">
      <div ref={frame} className="flow-canvas" style={{ height: layout?.height ?? 500 }} data-testid="flow-diagram">
        {layout && (
          <>
            <svg width={layout.width} height={layout.height} aria-hidden="true">
              <defs>
                {(["ok", "warning", "error", "idle"] as const).map((status) => (
                  <marker
                    key={status}
                    id={`flow-tip-${status}`}
                    className={`flow-tip s-${status}`}
                    viewBox="0 0 8 8"
                    refX="5"
                    refY="4"
                    markerWidth="9"
                    markerHeight="9"
                    markerUnits="userSpaceOnUse"
                    orient="auto"
                  >
                    <path d="M1 1l5 3-5 3" />
                  </marker>
                ))}
              </defs>
              {layout.arrows.map((arrow) => (
                <EdgePaths key={arrow.edge.id} arrow={arrow} lit={arrow.edge.id === at} />
              ))}
            </svg>
            {layout.headings.map((heading) => (
              <h2 key={heading.text} className="flow-heading" style={{ left: heading.x, top: heading.y }}>
                {heading.text}
              </h2>
            ))}
            {layout.boxes.map((box) => (
              <NodeBox key={box.node.id} box={box} lit={box.node.id === at} />
            ))}
            {layout.arrows.map((arrow) => (
              <EdgeLabel key={arrow.edge.id} arrow={arrow} lit={arrow.edge.id === at} select={setAt} />
            ))}
          </>
        )}
      </div>
      {edge && <EdgeDetails edge={edge} flow={flow} close={() => setAt("")} />}
    </section>
  );
}

function EdgeDetails({ edge, flow, close }: { edge: FlowEdge; flow: Flow; close: () => void }) {
  const name = (id: string): string => flow.nodes.find((node) => node.id === id)?.title ?? id;
  return (
    <aside className="flow-details" aria-label="Arrow">
      <div>
        <strong>
          {name(edge.from)} → {name(edge.to)}
        </strong>{" "}
        <span className="sub">{edge.label}</span> <Status tone={edge.status}>{WORDS[edge.status]}</Status>
      </div>
      <dl>
        {edge.facts.map((fact) => (
          <div key={fact.label}>
            <dt>{fact.label}</dt>
            <dd className="num">{factText(fact)}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button quiet" onClick={close} aria-label="Close">
        <Icon name="close" size={14} />
      </button>
    </aside>
  );
}

function Problems({ flow }: { flow: Flow }) {
  const problems = [...flow.problems].sort((a, b) => Number(b.severity === "error") - Number(a.severity === "error"));
  if (problems.length === 0) return null;
  return (
    <section aria-labelledby="problems" className="flow-problems" data-testid="flow-problems">
      <h2 id="problems">Problems</h2>
      <ul>
        {problems.map((problem) => (
          <ProblemRow key={`${problem.code} ${problem.object} ${problem.message}`} problem={problem} />
        ))}
      </ul>
    </section>
  );
}

function ProblemRow({ problem }: { problem: FlowProblem }) {
  return (
    <li className={`card flow-problem s-${problem.severity}`}>
      <Icon name={problem.severity} size={18} />
      <div>
        <p>
          <strong>{problem.object}</strong>
          <code>{problem.code}</code>
          <span className="visually-hidden">{WORDS[problem.severity]}</span>
        </p>
        <p>{problem.message}</p>
        {problem.fix && (
          <p className="flow-fix">
            <b>Fix:</b> {problem.fix}
          </p>
        )}
      </div>
      <button
        type="button"
        className="button"
        onClick={() => {
          setParams({ at: problem.at }, true);
          document.querySelector(".flow-canvas")?.scrollIntoView({ behavior: "smooth", block: "center" });
        }}
      >
        Show
      </button>
    </li>
  );
}

function Headline({ flow }: { flow: Flow }) {
  const errors = flow.problems.filter((problem) => problem.severity === "error").length;
  const warnings = flow.problems.length - errors;
  if (flow.problems.length === 0) return <Status tone="ok">Everything flows</Status>;
  const words = [
    errors > 0 && `${errors} error${errors === 1 ? "" : "s"}`,
    warnings > 0 && `${warnings} warning${warnings === 1 ? "" : "s"}`,
  ].filter(Boolean);
  return <Status tone={errors > 0 ? "error" : "warning"}>{words.join(", ")}</Status>;
}

export function FlowPage() {
  const [paused, setPaused] = useState(false);
  const { data: flow, error } = usePoll(
    (signal) => getJson<Flow>("/api/pharos/flow", { signal }),
    paused ? 0 : POLL_MS,
  );
  return (
    <>
      <PageHead title="Flow" sub="from resources to notifications">
        {flow && !error && <Headline flow={flow} />}
        {flow && <span className="flow-time">{new Date(flow.generatedAt).toLocaleTimeString("en-GB")}</span>}
        <button type="button" className="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          <Icon name={paused ? "play" : "pause"} size={14} /> {paused ? "Resume" : "Live"}
        </button>
      </PageHead>
      {error && <Empty error={error}>.</Empty>}
      {flow ? (
        <>
          <Diagram flow={flow} />
          <Problems flow={flow} />
        </>
      ) : (
        !error && <Empty loading>.</Empty>
      )}
    </>
  );
}
