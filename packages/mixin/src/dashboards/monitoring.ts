/** Monitoring itself: Prometheus, remote write, Alertmanager, the operator. */
import { dashboard, lines, NONE_IS_GOOD, query, type Row, stat, table } from "./dsl.ts";
import { RATE, type Scope } from "./scope.ts";

export function prometheus({ job }: Scope) {
  const only = `${job.prometheus},instance=~"$instance"`;
  const m = (metric: string, more = ""): string => `${metric}{${only}${more}}`;
  const rate = (metric: string, more = ""): string => `rate(${m(metric, more)}[${RATE}])`;
  return dashboard({
    name: "prometheus",
    title: "Prometheus",
    description: "Scraping, rules, notifications, storage and queries of the Prometheus instances.",
    tags: ["monitoring"],
    variables: [
      {
        name: "instance",
        label: "Instance",
        query: `label_values(prometheus_build_info{${job.prometheus}}, instance)`,
        many: true,
      },
    ],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Series", "short", `sum(${m("prometheus_tsdb_head_series")})`, { spark: true, decimals: 1 }),
          stat("Samples per second", "short", `sum(${rate("prometheus_tsdb_head_samples_appended_total")})`, {
            spark: true,
            decimals: 1,
          }),
          stat("Targets down", "none", "count(up == 0) or vector(0)", {
            steps: NONE_IS_GOOD,
            description: "Targets whose last scrape failed.",
          }),
          stat(
            "Failed rule evaluations",
            "none",
            `sum(increase(${m("prometheus_rule_evaluation_failures_total")}[$__range]))`,
            {
              decimals: 0,
              steps: NONE_IS_GOOD,
              description: "Within the time range.",
            },
          ),
          stat("Memory", "bytes", `sum(${m("process_resident_memory_bytes")})`, { spark: true, decimals: 1 }),
          stat("Configuration", "none", `min(${m("prometheus_config_last_reload_successful")})`, {
            words: { "0": ["Failed", "red"], "1": ["Loaded", "green"] },
            description: "Whether the last reload of the configuration succeeded.",
          }),
        ],
      },
      {
        title: "Scraping",
        panels: [
          table(
            "Targets by job",
            [{ label: "job", name: "Job" }],
            [
              { name: "Targets", unit: "none", expr: "count by (job) (up)" },
              { name: "Up", unit: "none", expr: "sum by (job) (up)" },
              { name: "Samples", expr: "sum by (job) (scrape_samples_scraped)" },
              { name: "Slowest", unit: "s", expr: "max by (job) (scrape_duration_seconds)" },
            ],
            { w: 12, sort: "Samples" },
          ),
          lines("Slowest scrapes", "s", [query("topk(10, max by (job) (scrape_duration_seconds))", "{{job}}")]),
          lines("Samples appended", "short", [
            query(`sum by (instance) (${rate("prometheus_tsdb_head_samples_appended_total")})`, "{{instance}}"),
          ]),
          lines(
            "Samples left out",
            "short",
            (
              [
                ["too many", "prometheus_target_scrapes_exceeded_sample_limit_total"],
                ["duplicate", "prometheus_target_scrapes_sample_duplicate_timestamp_total"],
                ["out of bounds", "prometheus_target_scrapes_sample_out_of_bounds_total"],
                ["out of order", "prometheus_target_scrapes_sample_out_of_order_total"],
              ] as const
            ).map(([name, metric]) => query(`sum by (instance) (${rate(metric)})`, `{{instance}} ${name}`)),
          ),
        ],
      },
      {
        title: "Rules and alerts",
        panels: [
          lines("Slowest rule groups", "s", [
            query(`topk(10, ${m("prometheus_rule_group_last_duration_seconds")})`, "{{rule_group}}"),
          ]),
          lines("Notifications", "short", [
            query(`sum by (alertmanager) (${rate("prometheus_notifications_sent_total")})`, "{{alertmanager}} sent"),
            query(
              `sum by (alertmanager) (${rate("prometheus_notifications_errors_total")})`,
              "{{alertmanager}} failed",
            ),
            query(`sum(${rate("prometheus_notifications_dropped_total")})`, "dropped"),
          ]),
        ],
      },
      {
        title: "Storage and queries",
        panels: [
          lines(
            "Series and chunks in the head",
            "short",
            [
              query(m("prometheus_tsdb_head_series"), "{{instance}} series"),
              query(m("prometheus_tsdb_head_chunks"), "{{instance}} chunks"),
            ],
            { w: 8 },
          ),
          lines(
            "Storage",
            "bytes",
            [
              query(m("prometheus_tsdb_storage_blocks_bytes"), "{{instance}} blocks"),
              query(m("prometheus_tsdb_wal_storage_size_bytes"), "{{instance}} log"),
            ],
            { w: 8 },
          ),
          lines(
            "Query time",
            "s",
            [query(m("prometheus_engine_query_duration_seconds", ',quantile="0.9"'), "{{instance}} {{slice}}")],
            {
              w: 8,
              description: "90% of queries are faster.",
            },
          ),
        ],
      },
    ],
  });
}

export function remoteWrite({ job }: Scope) {
  const only = `${job.prometheus},instance=~"$instance",url=~"$url"`;
  const m = (metric: string): string => `prometheus_remote_storage_${metric}{${only}}`;
  const rate = (metric: string): string => `rate(${m(metric)}[${RATE}])`;
  const legend = "{{instance}} → {{remote_name}}";
  return dashboard({
    name: "remote-write",
    title: "Prometheus / Remote write",
    description: "What is sent to remote storage, how far behind it is, and what is lost.",
    tags: ["monitoring"],
    variables: [
      {
        name: "instance",
        label: "Instance",
        query: `label_values(prometheus_build_info{${job.prometheus}}, instance)`,
        many: true,
      },
      {
        name: "url",
        label: "Address",
        query: `label_values(prometheus_remote_storage_shards{${job.prometheus},instance=~"$instance"}, url)`,
        many: true,
      },
    ],
    rows: [
      {
        title: "Lag",
        panels: [
          lines(
            "Behind",
            "s",
            [query(`${m("queue_highest_timestamp_seconds")} - ${m("queue_highest_sent_timestamp_seconds")}`, legend)],
            { description: "Between the newest sample taken in and the newest one sent." },
          ),
          lines("Pending samples", "short", [query(m("samples_pending"), legend)]),
        ],
      },
      {
        title: "Samples",
        panels: [
          lines("Sent", "short", [query(rate("samples_total"), legend)], { w: 6 }),
          lines("Failed", "short", [query(rate("samples_failed_total"), legend)], { w: 6 }),
          lines("Tried again", "short", [query(rate("samples_retried_total"), legend)], { w: 6 }),
          lines("Dropped", "short", [query(`sum without (reason) (${rate("samples_dropped_total")})`, legend)], {
            w: 6,
          }),
        ],
      },
      {
        title: "Shards",
        panels: [
          lines(
            "Shards",
            "short",
            [
              query(m("shards"), `${legend} now`),
              query(m("shards_desired"), `${legend} wanted`),
              query(m("shards_max"), `${legend} allowed`),
            ],
            { limits: "/allowed$/" },
          ),
          lines("Capacity of a shard", "short", [query(m("shard_capacity"), legend)]),
        ],
      },
    ],
  });
}

export function alertmanager({ job }: Scope) {
  const only = `${job.alertmanager},instance=~"$instance"`;
  const m = (metric: string, more = ""): string => `alertmanager_${metric}{${only}${more}}`;
  const rate = (metric: string): string => `rate(${m(metric)}[${RATE}])`;
  return dashboard({
    name: "alertmanager",
    title: "Alertmanager",
    description: "Alerts taken, notifications sent and failed, and the cluster of Alertmanagers.",
    tags: ["monitoring"],
    variables: [
      {
        name: "instance",
        label: "Instance",
        query: `label_values(alertmanager_build_info{${job.alertmanager}}, instance)`,
        many: true,
      },
    ],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Active alerts", "none", `max(${m("alerts", ',state="active"')})`, { spark: true }),
          stat("Suppressed alerts", "none", `max(${m("alerts", ',state="suppressed"')})`, { spark: true }),
          stat("Active silences", "none", `max(${m("silences", ',state="active"')})`),
          stat(
            "Failed notifications",
            "none",
            `sum(increase(${m("notifications_failed_total")}[$__range])) or vector(0)`,
            {
              decimals: 0,
              steps: NONE_IS_GOOD,
              description: "Within the time range.",
            },
          ),
          stat("Members", "none", `min(${m("cluster_members")})`, {
            description: "As seen by the one that sees fewest.",
          }),
          stat("Configuration", "none", `min(${m("config_last_reload_successful")})`, {
            words: { "0": ["Failed", "red"], "1": ["Loaded", "green"] },
          }),
        ],
      },
      {
        title: "Alerts",
        panels: [
          lines("Alerts", "short", [query(`sum by (instance, state) (${m("alerts")})`, "{{instance}} {{state}}")]),
          lines("Received", "ops", [
            query(`sum by (instance) (${rate("alerts_received_total")})`, "{{instance}} received"),
            query(`sum by (instance) (${rate("alerts_invalid_total")})`, "{{instance}} not valid"),
          ]),
        ],
      },
      {
        title: "Notifications",
        panels: [
          lines("Sent", "ops", [query(`sum by (integration) (${rate("notifications_total")})`, "{{integration}}")], {
            w: 8,
          }),
          lines(
            "Failed",
            "ops",
            [
              query(
                `sum by (integration, reason) (${rate("notifications_failed_total")})`,
                "{{integration}} {{reason}}",
              ),
            ],
            { w: 8 },
          ),
          lines(
            "Slowest 1%",
            "s",
            [
              query(
                `histogram_quantile(0.99, sum by (integration, le) (${rate("notification_latency_seconds_bucket")}))`,
                "{{integration}}",
              ),
            ],
            { w: 8 },
          ),
        ],
      },
    ],
  });
}

export function operator({ job }: Scope) {
  const o = job.operator;
  const m = (metric: string, more = ""): string => `prometheus_operator_${metric}{${o}${more}}`;
  const rate = (metric: string): string => `sum by (controller) (rate(${m(metric)}[${RATE}]))`;
  const failing: Row = {
    title: "Requests to the API server",
    panels: (
      [
        ["Lists", "list_operations"],
        ["Watches", "watch_operations"],
        ["Status updates", "status_update_operations"],
      ] as const
    ).map(([title, metric]) => {
      const failed = metric === "status_update_operations" ? "status_update_errors_total" : `${metric}_failed_total`;
      return lines(
        title,
        "ops",
        [query(rate(`${metric}_total`), "{{controller}}"), query(rate(failed), "{{controller}} failed")],
        { w: 8 },
      );
    }),
  };
  return dashboard({
    name: "operator",
    title: "Operator",
    description:
      "Resources that the operator takes and leaves out, its reconciliations, and its requests to the API server.",
    tags: ["monitoring"],
    variables: [],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Ready", "none", `min(${m("ready")})`, {
            w: 6,
            words: { "0": ["Not ready", "red"], "1": ["Ready", "green"] },
          }),
          stat("Taken", "none", `sum(${m("managed_resources", ',state="selected"')})`, {
            w: 6,
            description: "Monitors and rules that are in effect.",
          }),
          stat("Left out", "none", `sum(${m("managed_resources", ',state="rejected"')}) or vector(0)`, {
            w: 6,
            steps: NONE_IS_GOOD,
            description: "Objects that are not valid; their status says why.",
          }),
          stat("Not reconciled", "none", `sum(${m("syncs", ',status="failed"')}) or vector(0)`, {
            w: 6,
            steps: NONE_IS_GOOD,
          }),
        ],
      },
      {
        title: "Work",
        panels: [
          table(
            "Resources",
            [
              { label: "controller", name: "Controller" },
              { label: "resource", name: "Kind" },
            ],
            [
              {
                name: "Taken",
                unit: "none",
                expr: `sum by (controller, resource) (${m("managed_resources", ',state="selected"')})`,
              },
              {
                name: "Left out",
                unit: "none",
                expr: `sum by (controller, resource) (${m("managed_resources", ',state="rejected"')})`,
              },
            ],
            { w: 12, sort: "Left out" },
          ),
          lines("Reconciliations", "ops", [
            query(rate("reconcile_operations_total"), "{{controller}}"),
            query(rate("reconcile_errors_total"), "{{controller}} failed"),
          ]),
          lines(
            "Triggered by",
            "ops",
            [
              query(
                `sum by (triggered_by, action) (rate(${m("triggered_total")}[${RATE}]))`,
                "{{triggered_by}} {{action}}",
              ),
            ],
            { w: 24, plain: true },
          ),
        ],
      },
      failing,
    ],
  });
}
