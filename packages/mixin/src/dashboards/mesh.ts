/** Requests through the mesh: all of it, one service, one workload. What the serving side tells is counted, once. */
import { dashboard, heatmap, lines, linkTo, query, type Row, stat, table } from "./dsl.ts";
import { RATE, type Scope } from "./scope.ts";

const CELL = "${__value.text}";

interface View {
  rate: (more?: string) => string;
  errors: string;
  latency: (quantile: number, by?: string) => string;
}

function view({ sel }: Scope, ...matchers: string[]): View {
  const rate = (more = ""): string => `rate(istio_requests_total${sel(...matchers, more)}[${RATE}])`;
  return {
    rate,
    errors: `sum(${rate('response_code=~"5..|0"')}) / sum(${rate()})`,
    latency: (quantile, by = "") =>
      `histogram_quantile(${quantile}, sum by (${by ? `${by}, ` : ""}le) (rate(istio_request_duration_milliseconds_bucket${sel(...matchers)}[${RATE}])))`,
  };
}

function glance({ rate, errors, latency }: View): Row {
  return {
    title: "At a glance",
    panels: [
      stat("Requests", "reqps", `sum(${rate()})`, { w: 6, spark: true }),
      stat("Failed", "percentunit", errors, {
        w: 6,
        decimals: 2,
        spark: true,
        steps: [
          [null, "green"],
          [0.01, "orange"],
          [0.05, "red"],
        ],
      }),
      stat("Half are faster than", "ms", latency(0.5), { w: 6, decimals: 1, spark: true }),
      stat("99% are faster than", "ms", latency(0.99), { w: 6, decimals: 1, spark: true }),
    ],
  };
}

function overTime({ rate, latency }: View, scope: Scope, ...matchers: string[]): Row[] {
  const bytes = (metric: string): string =>
    `sum(rate(istio_tcp_${metric}_bytes_total${scope.sel(...matchers)}[${RATE}]))`;
  return [
    {
      title: "Requests",
      panels: [
        lines("By answer", "reqps", [query(`sum by (response_code) (${rate()})`, "{{response_code}}")], {
          stack: true,
        }),
        lines("By caller", "reqps", [
          query(
            `sum by (source_workload, source_workload_namespace) (${rate()})`,
            "{{source_workload_namespace}}/{{source_workload}}",
          ),
        ]),
        lines(
          "Duration",
          "ms",
          [0.5, 0.9, 0.99].map((quantile) => query(latency(quantile), `${quantile * 100}%`)),
        ),
        heatmap(
          "Durations",
          "ms",
          `sum by (le) (rate(istio_request_duration_milliseconds_bucket${scope.sel(...matchers)}[${RATE}]))`,
        ),
      ],
    },
    {
      title: "TCP",
      panels: [
        lines("Bytes", "binBps", [query(bytes("received"), "received"), query(bytes("sent"), "sent")], {
          w: 24,
          below: "/^sent$/",
          description: "Sent is drawn below zero.",
        }),
      ],
    },
  ];
}

export function mesh(scope: Scope) {
  const { clusterOf, handing, job } = scope;
  const all = view(scope, job.mesh);
  const byService = "destination_service";
  return dashboard({
    name: "mesh",
    title: "Mesh",
    description: "All requests through the mesh, by service and by workload, and its control plane.",
    tags: ["mesh"],
    variables: clusterOf(`istio_requests_total{${job.mesh}}`),
    rows: [
      glance(all),
      {
        title: "Services and workloads",
        panels: [
          table(
            "Services",
            [{ label: byService, name: "Service", link: linkTo("mesh-service", handing({ service: CELL })) }],
            [
              { name: "Requests", unit: "reqps", expr: `sum by (${byService}) (${all.rate()})` },
              {
                name: "Failed",
                share: true,
                expr: `(sum by (${byService}) (${all.rate('response_code=~"5..|0"')}) or 0 * sum by (${byService}) (${all.rate()})) / sum by (${byService}) (${all.rate()})`,
              },
              { name: "50%", unit: "ms", expr: all.latency(0.5, byService) },
              { name: "99%", unit: "ms", expr: all.latency(0.99, byService) },
            ],
            { w: 12, h: 12, sort: "Requests" },
          ),
          table(
            "Workloads",
            [
              { label: "destination_workload_namespace", name: "Namespace" },
              {
                label: "destination_workload",
                name: "Workload",
                link: linkTo("mesh-workload", handing({ namespace: "${__data.fields.Namespace}", workload: CELL })),
              },
            ],
            [
              {
                name: "Requests",
                unit: "reqps",
                expr: `sum by (destination_workload, destination_workload_namespace) (${all.rate()})`,
              },
              {
                name: "99%",
                unit: "ms",
                expr: all.latency(0.99, "destination_workload, destination_workload_namespace"),
              },
            ],
            { w: 12, h: 12, sort: "Requests" },
          ),
        ],
      },
      {
        title: "Control plane",
        panels: [
          lines("Proxies connected", "short", [query(`sum by (version) (pilot_xds{${job.istiod}})`, "{{version}}")], {
            w: 8,
          }),
          lines(
            "Pushes",
            "ops",
            [query(`sum by (type) (rate(pilot_xds_pushes{${job.istiod}}[${RATE}]))`, "{{type}}")],
            { w: 8 },
          ),
          lines(
            "Changes reach the proxies in",
            "s",
            [
              query(
                `histogram_quantile(0.99, sum by (le) (rate(pilot_proxy_convergence_time_bucket{${job.istiod}}[${RATE}])))`,
                "99%",
              ),
            ],
            { w: 8 },
          ),
        ],
      },
    ],
  });
}

export function meshService(scope: Scope) {
  const { clusterOf, job, sel } = scope;
  const matchers = [job.mesh, 'destination_service="$service"'];
  const one = view(scope, ...matchers);
  return dashboard({
    name: "mesh-service",
    title: "Mesh / Service",
    description: "Requests to one service of the mesh.",
    tags: ["mesh"],
    variables: [
      ...clusterOf(`istio_requests_total{${job.mesh}}`),
      {
        name: "service",
        label: "Service",
        query: `label_values(istio_requests_total${sel(job.mesh)}, destination_service)`,
      },
    ],
    rows: [glance(one), ...overTime(one, scope, ...matchers)],
  });
}

export function meshWorkload(scope: Scope) {
  const { clusterOf, job, sel } = scope;
  const namespace = 'destination_workload_namespace="$namespace"';
  const matchers = [job.mesh, namespace, 'destination_workload="$workload"'];
  const one = view(scope, ...matchers);
  const calls = `rate(istio_requests_total${sel('reporter="source"', 'source_workload_namespace="$namespace"', 'source_workload="$workload"')}[${RATE}])`;
  return dashboard({
    name: "mesh-workload",
    title: "Mesh / Workload",
    description: "Requests to one workload of the mesh, and those it makes itself.",
    tags: ["mesh"],
    variables: [
      ...clusterOf(`istio_requests_total{${job.mesh}}`),
      {
        name: "namespace",
        label: "Namespace",
        query: `label_values(istio_requests_total${sel(job.mesh)}, destination_workload_namespace)`,
      },
      {
        name: "workload",
        label: "Workload",
        query: `label_values(istio_requests_total${sel(job.mesh, namespace)}, destination_workload)`,
      },
    ],
    rows: [
      glance(one),
      ...overTime(one, scope, ...matchers),
      {
        title: "Requests it makes",
        panels: [
          lines("By service", "reqps", [query(`sum by (destination_service) (${calls})`, "{{destination_service}}")]),
          lines("By answer", "reqps", [query(`sum by (response_code) (${calls})`, "{{response_code}}")], {
            stack: true,
          }),
        ],
      },
    ],
  });
}
