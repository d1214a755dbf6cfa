/**
 * Alerts about the API server, among them those of its service level: a share of its requests, by default 99%, has to
 * succeed in time over 30 days. What may fail is the error budget; an alert fires when a long and a short window agree that
 * it is being used up too fast (the method of the SRE workbook, chapter 5).
 */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleGroup, type RuleSet, record } from "../types.ts";

const READ = 'verb=~"LIST|GET"';
const WRITE = 'verb=~"POST|PUT|PATCH|DELETE"';
/** These last as long as their user wants. */
const TIMED = 'subresource!~"proxy|attach|log|exec|portforward"';

/** How soon a read has to be answered depends on how much it may have to read. */
const READ_IN_TIME = [
  'scope=~"resource|",le=~"1([.]0)?"',
  'scope="namespace",le=~"5([.]0)?"',
  'scope="cluster",le=~"30([.]0)?"',
];
const WRITE_IN_TIME = ['le=~"1([.]0)?"'];

const WINDOWS = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/** Share of requests that failed or were too slow. A part without series counts nothing, which is not the same as unknown. */
function burnRate({ by, job }: Settings, verbs: string, inTime: readonly string[], window: string): string {
  const sum = (metric: string, more: string): string =>
    `sum by (${by()}) (rate(${metric}{${job.apiserver},${verbs}${more}}[${window}]))`;
  const all = sum("apiserver_request_sli_duration_seconds_count", `,${TIMED}`);
  const orNothing = (expr: string): string => `(${expr} or 0 * ${all})`;
  const fast = inTime.map((limits) =>
    orNothing(sum("apiserver_request_sli_duration_seconds_bucket", `,${TIMED},${limits}`)),
  );
  const failed = orNothing(sum("apiserver_request_total", ',code=~"5.."'));
  return `(${all} - ${fast.join(" - ")} + ${failed}) / ${sum("apiserver_request_total", "")}`;
}

function availability({ by }: Settings, verb: "all" | "read" | "write"): Rule {
  const sum = (metric: string, matchers: string): string => `sum by (${by()}) (${metric}{${matchers}})`;
  const count = "cluster_verb_scope:apiserver_request_sli_duration_seconds_count:increase30d";
  const bucket = "cluster_verb_scope_le:apiserver_request_sli_duration_seconds_bucket:increase30d";
  const total = "code:apiserver_request_total:increase30d";
  const slow = (verbs: string, inTime: readonly string[]): string => {
    const all = sum(count, verbs);
    const parts = inTime.map((limits) => `(${sum(bucket, `${verbs},${limits}`)} or 0 * ${all})`);
    return `(${all} - ${parts.join(" - ")})`;
  };
  const which = verb === "all" ? "" : `verb="${verb}"`;
  const requests = sum(total, which);
  const failed = `(${sum(total, [which, 'code=~"5.."'].filter(Boolean).join(","))} or 0 * ${requests})`;
  const parts = [
    ...(verb === "write" ? [] : [slow(READ, READ_IN_TIME)]),
    ...(verb === "read" ? [] : [slow(WRITE, WRITE_IN_TIME)]),
    failed,
  ];
  return record("apiserver_request:availability30d", `1 - (${parts.join(" + ")}) / ${requests}`, { verb });
}

function availabilityGroup(settings: Settings): RuleGroup {
  const { by, job } = settings;
  const increase30d = (metric: string): string => `avg_over_time(${metric}:increase1h[30d]) * 24 * 30`;
  const bucket = "cluster_verb_scope_le:apiserver_request_sli_duration_seconds_bucket";
  const count = "cluster_verb_scope:apiserver_request_sli_duration_seconds_count";
  return {
    name: "kube-apiserver-availability.rules",
    // Windows of a month move slowly, and reading them is expensive.
    interval: "3m",
    rules: [
      record(
        "code_verb:apiserver_request_total:increase1h",
        `sum by (${by("code", "verb")}) (
          increase(apiserver_request_total{${job.apiserver},verb=~"LIST|GET|POST|PUT|PATCH|DELETE"}[1h]))`,
      ),
      record("code_verb:apiserver_request_total:increase30d", increase30d("code_verb:apiserver_request_total")),
      ...(
        [
          ["read", READ],
          ["write", WRITE],
        ] as const
      ).map(([verb, verbs]) =>
        record(
          "code:apiserver_request_total:increase30d",
          `sum by (${by("code")}) (code_verb:apiserver_request_total:increase30d{${verbs}})`,
          { verb },
        ),
      ),
      record(
        `${bucket}:increase1h`,
        `sum by (${by("verb", "scope", "le")}) (
          increase(apiserver_request_sli_duration_seconds_bucket{${job.apiserver}}[1h]))`,
      ),
      record(`${bucket}:increase30d`, increase30d(bucket)),
      record(`${count}:increase1h`, `sum by (${by("verb", "scope")}) (${bucket}:increase1h{le="+Inf"})`),
      record(`${count}:increase30d`, `sum by (${by("verb", "scope")}) (${bucket}:increase30d{le="+Inf"})`),
      availability(settings, "all"),
      availability(settings, "read"),
      availability(settings, "write"),
      ...(
        [
          ["read", READ],
          ["write", WRITE],
        ] as const
      ).map(([verb, verbs]) =>
        record(
          "code_resource:apiserver_request_total:rate5m",
          `sum by (${by("code", "resource")}) (rate(apiserver_request_total{${job.apiserver},${verbs}}[5m]))`,
          { verb },
        ),
      ),
    ],
  };
}

function budgetAlerts({ by, limit }: Settings): Rule[] {
  const budget = 1 - limit.apiserverObjective;
  const windows = [
    { severity: "critical", for: "2m", long: "1h", short: "5m", factor: 14.4 },
    { severity: "critical", for: "15m", long: "6h", short: "30m", factor: 6 },
    { severity: "warning", for: "1h", long: "1d", short: "2h", factor: 3 },
    { severity: "warning", for: "3h", long: "3d", short: "6h", factor: 1 },
  ] as const;
  return windows.map(({ severity, for: wait, long, short, factor }) => {
    const threshold = Number((budget * factor).toPrecision(6));
    return alert("KubeAPIErrorBudgetBurn", {
      severity,
      for: wait,
      expr: `
        sum by (${by()}) (apiserver_request:burnrate${long}) > ${threshold}
        and on (${by()}) sum by (${by()}) (apiserver_request:burnrate${short}) > ${threshold}`,
      labels: { long, short },
      summary: "The API server uses up its error budget too fast.",
      description: `{{ $value | humanizePercentage }} of the requests to the API server failed or were too slow over the last
        ${long}: at that rate the budget of 30 days will be gone in ${Number((30 / factor).toPrecision(2))} days or less.`,
    });
  });
}

function systemAlerts({ by, job, limit }: Settings): Rule[] {
  const { apiserver } = job;
  const expiring = (severity: "warning" | "critical", seconds: number): Rule =>
    alert("KubeClientCertificateExpiration", {
      severity,
      for: "5m",
      expr: `
        histogram_quantile(0.01,
          sum without (namespace, service, endpoint) (
            rate(apiserver_client_certificate_expiration_seconds_bucket{${apiserver}}[5m]))) < ${seconds}
        and on (${by("job", "instance")}) apiserver_client_certificate_expiration_seconds_count{${apiserver}} > 0`,
      summary: "A client's certificate is about to expire.",
      description: `A client that uses the API server at {{ $labels.instance }} has a certificate that expires in less than
        {{ $value | humanizeDuration }}.`,
    });
  const rate = (metric: string): string => `sum by (${by()}) (rate(${metric}{${apiserver}}[10m]))`;
  return [
    expiring("warning", limit.certificateWarning),
    expiring("critical", limit.certificateCritical),
    alert("KubeAggregatedAPIErrors", {
      severity: "warning",
      for: "10m",
      expr: `
        sum by (${by("instance", "name", "reason")}) (
          increase(aggregator_unavailable_apiservice_total{${apiserver}}[2m])) > 0`,
      summary: "An aggregated API has errors.",
      description:
        "The aggregated API {{ $labels.name }} was unavailable to {{ $labels.instance }}: {{ $labels.reason }}.",
    }),
    alert("KubeAggregatedAPIDown", {
      severity: "warning",
      for: "5m",
      expr: `
        (1 - max by (${by("name", "namespace")}) (
          avg_over_time(aggregator_unavailable_apiservice{${apiserver}}[10m]))) * 100 < 85`,
      summary: "An aggregated API is down.",
      description: `The aggregated API {{ $labels.name }} was available only {{ printf "%.0f" $value }}% of the last ten
        minutes.`,
    }),
    alert("KubeAPIDown", {
      severity: "critical",
      for: "15m",
      expr: `absent(up{${apiserver}})`,
      summary: "The API server is not scraped.",
      description: "Prometheus has had no target of the API server for 15 minutes.",
    }),
    alert("KubeAPIInstanceUnreachable", {
      severity: "warning",
      for: "15m",
      expr: `up{${apiserver}} == 0`,
      summary: "An instance of the API server cannot be scraped.",
      description: "The API server at {{ $labels.instance }} has not answered for more than 15 minutes.",
    }),
    alert("KubeAPITerminatedRequests", {
      severity: "warning",
      for: "5m",
      expr: `
        ${rate("apiserver_request_terminations_total")}
        / (${rate("apiserver_request_total")} + ${rate("apiserver_request_terminations_total")})
        > ${limit.apiserverTerminated}`,
      summary: "The API server cuts requests short.",
      description: `The API server has cut {{ $value | humanizePercentage }} of its requests short to protect itself.`,
    }),
  ];
}

export function apiserver(settings: Settings): RuleSet {
  const { by, job } = settings;
  const sides = [
    ["read", READ, READ_IN_TIME],
    ["write", WRITE, WRITE_IN_TIME],
  ] as const;
  return {
    name: "kubernetes-apiserver-rules",
    groups: [
      {
        name: "kube-apiserver-burnrate.rules",
        rules: sides.flatMap(([verb, verbs, inTime]) =>
          WINDOWS.map((window) =>
            record(`apiserver_request:burnrate${window}`, burnRate(settings, verbs, inTime, window), { verb }),
          ),
        ),
      },
      availabilityGroup(settings),
      {
        name: "kube-apiserver-histogram.rules",
        rules: sides.map(([verb, verbs]) =>
          record(
            "cluster_quantile:apiserver_request_sli_duration_seconds:histogram_quantile",
            `histogram_quantile(0.99, sum by (${by("le", "resource")}) (
              rate(apiserver_request_sli_duration_seconds_bucket{${job.apiserver},${verbs},${TIMED}}[5m]))) > 0`,
            { verb, quantile: "0.99" },
          ),
        ),
      },
      { name: "kube-apiserver-slos", rules: budgetAlerts(settings) },
      { name: "kubernetes-system-apiserver", rules: systemAlerts(settings) },
    ],
  };
}
