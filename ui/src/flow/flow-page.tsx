import type { Flow, FlowEdge, FlowFact, FlowProblem, FlowStatus } from "@pharos/model";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { formatValue } from "../core/units.ts";
import { getJson } from "../data/http.ts";
import { usePoll } from "../data/use-poll.ts";
import { Icon } from "../kit/icon.tsx";
import { Link } from "../shell/link.tsx";
import { Empty, PageHead } from "../shell/page.tsx";
import { setParams, useLocation } from "../shell/router.ts";
import { FOLDED, foldTargets } from "./fold.ts";
import { type Arrow, type Box, cardFacts } from "./geometry.ts";
import { NO_CHANNEL, withMissingChannel } from "./ghost.ts";
import { layoutFlow, WIDE_FROM } from "./layout.ts";
import "./flow.css";

const WORDS: Record<FlowStatus, string> = { ok: "OK", warning: "Warning", error: "Error", idle: "Idle" };
const POLL_MS = 2000;
/** Applications drawn one by one before the healthy ones become one box. */
const SHOWN_WIDE = 12;
const SHOWN_NARROW = 6;

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

/** The one number that stands on an arrow: what went wrong if something did, else how much flows. */
function figure({ facts, status }: FlowEdge): string {
  const named = (...labels: string[]): FlowFact | undefined => facts.find(({ label }) => labels.includes(label));
  const bad = named("failed", "rejected", "failing", "down");
  if (status !== "ok" && bad && Number(bad.value) > 0) return `${factText(bad)} ${bad.label}`;
  const good = named("sent", "objects", "samples/s");
  return good ? factText(good) : "";
}

function NodeBox({
  box,
  lit,
  near,
  hover,
  unfold,
}: {
  box: Box;
  lit: boolean;
  near: boolean;
  hover: (id: string) => void;
  unfold: () => void;
}) {
  const { node } = box;
  const style = { left: box.x, top: box.y, width: box.width, height: box.height };
  const ghost = node.id === NO_CHANNEL;
  const className = [
    `flow-node s-${node.status} kind-${node.kind}`,
    box.compact && "compact",
    box.compact && box.height < 54 && "dense",
    ghost && "ghost",
    lit && "lit",
    near && "near",
  ]
    .filter(Boolean)
    .join(" ");
  const pointed = {
    onPointerEnter: () => hover(node.id),
    onPointerLeave: () => hover(""),
    onFocus: () => hover(node.id),
    onBlur: () => hover(""),
  };
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
          {cardFacts(node).map((fact) => (
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
  const shared = { className, style, "data-testid": `flow-node-${node.id}`, ...pointed };
  if (node.id === FOLDED) {
    return (
      <button type="button" {...shared} onClick={unfold} title="Show all">
        {content}
      </button>
    );
  }
  if (!node.href) return <div {...shared}>{content}</div>;
  // The server sends on to the Kubernetes API, which is not a page of this application.
  if (node.kind === "resources") {
    return (
      <a {...shared} href={node.href}>
        {content}
      </a>
    );
  }
  return (
    <Link {...shared} href={node.href}>
      {content}
    </Link>
  );
}

function EdgePaths({ arrow, lit, near }: { arrow: Arrow; lit: boolean; near: boolean }) {
  const moving = arrow.edge.status !== "idle" && !arrow.still;
  return (
    <g className={`flow-edge s-${arrow.edge.status}${lit ? " lit" : ""}${near ? " near" : ""}`}>
      <path className="flow-line" d={arrow.path} markerEnd={`url(#flow-tip-${arrow.edge.status})`} />
      {moving && <path className="flow-drops" d={arrow.path} />}
    </g>
  );
}

function EdgeLabel({ arrow, lit, select }: { arrow: Arrow; lit: boolean; select: (id: string) => void }) {
  if (!arrow.label) return null;
  const { edge } = arrow;
  const value = figure(edge);
  return (
    <button
      type="button"
      className={`flow-label s-${edge.status}${lit ? " lit" : ""}${arrow.label.level ? " level" : ""}`}
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
      <b className="num">{value}</b>
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
  const [hovered, setHovered] = useState("");
  const params = useLocation().params;
  const all = params.has("all");
  const layout = useMemo(() => {
    if (width === 0) return undefined;
    const shown = all ? Number.POSITIVE_INFINITY : width >= WIDE_FROM ? SHOWN_WIDE : SHOWN_NARROW;
    return layoutFlow(withMissingChannel(foldTargets(flow, shown, at)), width);
  }, [flow, width, all, at]);
  const isNear = ({ edge: { from, to } }: Arrow): boolean => hovered !== "" && (from === hovered || to === hovered);
  const nearNodes = new Set(layout?.arrows.filter(isNear).flatMap(({ edge: { from, to } }) => [from, to]));
  const edge = flow.edges.find((candidate) => candidate.id === at);
  return (
    <section aria-label="Monitoring flow" className="flow-frame">
      <div
        ref={frame}
        className={`flow-canvas${hovered === "" ? "" : " hovering"}`}
        style={{ height: layout?.height ?? 500 }}
        data-testid="flow-diagram"
      >
        {layout && (
          <>
            {all && (
              <button
                type="button"
                className="button quiet flow-fold"
                onClick={() => setParams({ all: undefined }, true)}
              >
                Show fewer targets
              </button>
            )}
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
                <EdgePaths key={arrow.edge.id} arrow={arrow} lit={arrow.edge.id === at} near={isNear(arrow)} />
              ))}
            </svg>
            {layout.headings.map((heading) => (
              <h2 key={heading.text} className="flow-heading" style={{ left: heading.x, top: heading.y }}>
                {heading.text}
              </h2>
            ))}
            {layout.boxes.map((box) => (
              <NodeBox
                key={box.node.id}
                box={box}
                lit={box.node.id === at}
                near={nearNodes.has(box.node.id)}
                hover={setHovered}
                unfold={() => setParams({ all: "1" }, true)}
              />
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
