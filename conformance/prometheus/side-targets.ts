/** The targets of the side-by-side run: each path a kind of target, its answers a matter of the time since the start alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { encode, type MetricFamily, negotiate } from "@pharos/exposition";
import type { IntHistogram } from "@pharos/model";

const OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT = "text/plain; version=0.0.4; charset=utf-8";

/** Seconds since the start in which the target `flapping` fails, and after which `vanishing` shows less. */
export const FLAP = { from: 15, to: 25 };
export const VANISH_AFTER = 30;

const families = (value: number): string => `# HELP app_requests_total Requests.
# TYPE app_requests_total counter
app_requests_total{code="200",method="get"} ${value}
app_requests_total{code="500",method="get"} 2
# HELP app_temperature How warm.
# TYPE app_temperature gauge
app_temperature{room="a"} -3.5
app_temperature{room="b"} NaN
app_temperature{room="c"} +Inf
# HELP app_latency_seconds How long.
# TYPE app_latency_seconds histogram
app_latency_seconds_bucket{le="0.1"} 3
app_latency_seconds_bucket{le="1"} 5
app_latency_seconds_bucket{le="+Inf"} 6
app_latency_seconds_sum 4.5
app_latency_seconds_count 6
# TYPE app_size_bytes summary
app_size_bytes{quantile="0.5"} 10
app_size_bytes{quantile="0.99"} 100
app_size_bytes_sum 500
app_size_bytes_count 20
untyped_one 1
`;

const OPENMETRICS_BODY = `# HELP om_requests Requests.
# TYPE om_requests counter
om_requests_total{code="200"} 100 # {trace_id="t1"} 1
om_requests_total{code="500"} 4
om_requests_created{code="200"} 1700000000
# HELP om_latency_seconds How long.
# TYPE om_latency_seconds histogram
# UNIT om_latency_seconds seconds
om_latency_seconds_bucket{le="0.5"} 3 # {trace_id="t2"} 0.25
om_latency_seconds_bucket{le="+Inf"} 4
om_latency_seconds_sum 2
om_latency_seconds_count 4
# TYPE om_build info
om_build_info{version="1"} 1
# TYPE om_state stateset
om_state{om_state="on"} 1
om_state{om_state="off"} 0
# EOF
`;

const NATIVE_HISTOGRAM: IntHistogram = {
  kind: "int",
  counterResetHint: "unknown",
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 5,
  sum: 12,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveDeltas: [1, 2],
  negativeSpans: [],
  negativeDeltas: [],
  customValues: [],
};

/** A histogram in both forms. */
const NATIVE: MetricFamily[] = [
  { name: "native_gauge", help: "A gauge.", type: "gauge", metrics: [{ labels: ["a", "b"], value: 7 }] },
  {
    name: "native_seconds",
    help: "Native.",
    type: "histogram",
    metrics: [
      { labels: [], count: 5, sum: 12, buckets: [{ upperBound: 1, cumulativeCount: 2 }], native: NATIVE_HISTOGRAM },
    ],
  },
];

export class SideTargets implements Disposable {
  readonly port: number;
  /** What Alertmanagers were sent, by who sent it: the bodies, one after the other. */
  readonly alerts: Readonly<Record<"peer" | "own", SentAlert[]>>;
  readonly #server: Server;
  readonly #started: number;

  private constructor(server: Server, port: number, started: number, alerts: SideTargets["alerts"]) {
    this.#server = server;
    this.port = port;
    this.#started = started;
    this.alerts = alerts;
  }

  static async start(): Promise<SideTargets> {
    const started = Date.now();
    const alerts: SideTargets["alerts"] = { peer: [], own: [] };
    const server = createServer((request, response) => {
      const sender = /^\/(peer|own)\/api\/v2\/alerts$/.exec(request.url ?? "")?.[1] as "peer" | "own" | undefined;
      if (sender) receive(request, response, alerts[sender]);
      else answer(request, response, (Date.now() - started) / 1000);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new SideTargets(server, (server.address() as AddressInfo).port, started, alerts);
  }

  /** Unix seconds. */
  get startedAt(): number {
    return this.#started / 1000;
  }

  [Symbol.dispose](): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** An alert as an Alertmanager gets it. */
export interface SentAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL: string;
}

function receive(request: IncomingMessage, response: ServerResponse, alerts: SentAlert[]): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    alerts.push(...(JSON.parse(Buffer.concat(chunks).toString()) as SentAlert[]));
    response.end();
  });
}

interface Reply {
  body: string | Buffer;
  /** undefined: text 0.0.4; "": none. */
  type?: string;
  status?: number;
  location?: string;
  /** ms */
  delay?: number;
}

type Handler = (url: URL, request: IncomingMessage, age: number) => Reply;

/** Answers by path. What is not here is not found. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  "/text": () => ({ body: families(100) }),
  "/openmetrics": () => ({ body: OPENMETRICS_BODY, type: OPENMETRICS }),
  "/conflict": () => ({ body: 'conflicting{job="own",instance="mine",exported_job="theirs",zone="z"} 1\n' }),
  "/timestamps": () => {
    const t = Math.floor(Date.now() / 5000) * 5000;
    return { body: `stamped{kind="now"} 1 ${t}\nstamped{kind="old"} 2 ${t - 60_000}\nplain 3\n` };
  },
  "/many": () => ({ body: Array.from({ length: 50 }, (_, i) => `many{i="${i}"} ${i}\n`).join("") }),
  "/long": () => ({ body: `long_${"n".repeat(40)}{label="${"v".repeat(60)}",a="1",b="2",c="3",d="4",e="5"} 1\n` }),
  "/hang": () => ({ body: "", delay: 60_000 }),
  "/slow": () => ({ body: families(7), delay: 400 }),
  "/garbage": () => ({ body: "this is {no} metric\n" }),
  "/half": () => ({ body: "good 1\nbad{ 2\n" }),
  "/flapping": (_url, _request, age) =>
    age >= FLAP.from && age < FLAP.to ? { status: 503, body: "unavailable" } : { body: "flapping 1\nsteady 2\n" },
  "/vanishing": (_url, _request, age) => ({ body: age < VANISH_AFTER ? "here 1\nvanishing 2\n" : "here 1\n" }),
  "/blank": () => ({ body: families(9), type: "" }),
  "/utf8": () => ({
    body: '{"utf8.metric","label.with.dots"="x"} 1\nascii 2\n',
    type: "text/plain; version=1.0.0; escaping=allow-utf-8",
  }),
  "/native": (_url, request) => {
    const { format, contentType, escaping } = negotiate(String(request.headers.accept));
    return { body: Buffer.from(encode(NATIVE, format, escaping)), type: contentType };
  },
  "/duplicate": () => ({ body: "twice 1\ntwice 2\nonce 3\n" }),
  "/auth": (_url, { headers }) =>
    headers.authorization === `Basic ${Buffer.from("user:pass").toString("base64")}`
      ? { body: "authorized 1\n" }
      : { status: 401, body: "no" },
  "/bearer": (_url, { headers }) =>
    headers.authorization === "Bearer token" ? { body: "with_token 1\n" } : { status: 403, body: "no" },
  "/redirect": () => ({ status: 302, location: "/text", body: "" }),
  "/probe": ({ searchParams: given }) => ({
    body: `probe_target{target="${given.get("target")}",module="${given.get("module")}"} 1\n`,
  }),
  "/sd": (_url, { headers }) => ({
    type: "application/json",
    body: JSON.stringify([{ targets: [String(headers.host)], labels: { from: "http", __metrics_path__: "/text" } }]),
  }),
};

function answer(request: IncomingMessage, response: ServerResponse, age: number): void {
  const url = new URL(request.url ?? "/", "http://x");
  const handler = Object.hasOwn(HANDLERS, url.pathname) ? HANDLERS[url.pathname] : undefined;
  const {
    body,
    type = TEXT,
    status = 200,
    location,
    delay = 0,
  } = handler?.(url, request, age) ?? {
    status: 404,
    body: "not found",
  };
  const gzip = /\bgzip\b/.test(String(request.headers["accept-encoding"]));
  const headers = {
    ...(type === "" ? {} : { "content-type": type }),
    ...(location === undefined ? {} : { location }),
    ...(gzip ? { "content-encoding": "gzip" } : {}),
  };
  const send = (): void => {
    response.writeHead(status, headers).end(gzip ? gzipSync(body) : body);
  };
  if (delay === 0) send();
  else setTimeout(send, delay).unref();
}
