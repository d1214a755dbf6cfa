/** Alerts about etcd. Only for clusters whose etcd can be scraped. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function etcd({ by, job, limit }: Settings): RuleSet {
  const e = job.etcd;
  const cluster = "etcd cluster {{ $labels.job }}";
  const failedGrpc = (severity: "warning" | "critical", wait: string, percent: number): Rule => {
    const rate = (more: string): string => `
      sum by (${by("job", "instance", "grpc_service", "grpc_method")}) (
        rate(grpc_server_handled_total{${e},grpc_type="unary"${more}}[5m]))`;
    const failures =
      'grpc_code=~"Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded"';
    return alert("etcdHighNumberOfFailedGRPCRequests", {
      severity,
      for: wait,
      expr: `100 * ${rate(`,grpc_method!~"${limit.etcdGrpcIgnored}",${failures}`)} / ${rate("")} > ${percent}`,
      summary: "Many requests to etcd fail.",
      description: `{{ printf "%.2f" $value }}% of the requests for {{ $labels.grpc_method }} failed at {{ $labels.instance }} of
        ${cluster}.`,
    });
  };
  const fsync = (severity: "warning" | "critical", seconds: number): Rule =>
    alert("etcdHighFsyncDurations", {
      severity,
      for: "10m",
      expr: `histogram_quantile(0.99, rate(etcd_disk_wal_fsync_duration_seconds_bucket{${e}}[5m])) > ${seconds}`,
      summary: "etcd's disk is slow to write its log.",
      description: `The slowest 1% of the writes to the log of {{ $labels.instance }} of ${cluster} take
        {{ $value | humanizeDuration }}.`,
    });
  const used = `
    last_over_time(etcd_mvcc_db_total_size_in_bytes{${e}}[5m]) / last_over_time(etcd_server_quota_backend_bytes{${e}}[5m])`;
  const failing = `
    max without (endpoint) (
      sum without (instance, pod) (up{${e}} == bool 0)
      or count without (To) (
        sum without (instance, pod) (rate(etcd_network_peer_sent_failures_total{${e}}[2m])) > 0.01))`;
  return {
    name: "etcd-rules",
    groups: [
      {
        name: "etcd",
        rules: [
          alert("etcdMembersDown", {
            severity: "warning",
            for: "20m",
            expr: `${failing} > 0`,
            summary: "Members of etcd are down.",
            description: `{{ $value }} members of ${cluster} are down or cannot be reached by the others.`,
          }),
          alert("etcdInsufficientMembers", {
            severity: "critical",
            for: "3m",
            expr: `
              sum without (instance, pod) (up{${e}} == bool 1)
              < (count without (instance, pod) (up{${e}}) + 1) / 2`,
            summary: "Too few members of etcd are left to decide anything.",
            description: `Only {{ $value }} members of ${cluster} are up: it has no majority and takes no writes.`,
          }),
          alert("etcdNoLeader", {
            severity: "critical",
            for: "1m",
            expr: `etcd_server_has_leader{${e}} == 0`,
            summary: "A member of etcd has no leader.",
            description: `{{ $labels.instance }} of ${cluster} has no leader.`,
          }),
          alert("etcdHighNumberOfLeaderChanges", {
            severity: "warning",
            for: "5m",
            expr: `
              increase((
                max without (instance, pod) (etcd_server_leader_changes_seen_total{${e}})
                or 0 * absent(etcd_server_leader_changes_seen_total{${e}}))[15m:1m]) >= 4`,
            summary: "etcd changes its leader often.",
            description: `${cluster} has changed its leader {{ printf "%.0f" $value }} times within 15 minutes.`,
          }),
          failedGrpc("warning", "10m", 1),
          failedGrpc("critical", "5m", 5),
          alert("etcdGRPCRequestsSlow", {
            severity: "critical",
            for: "10m",
            expr: `
              histogram_quantile(0.99, sum without (grpc_type, grpc_code) (
                rate(grpc_server_handling_seconds_bucket{${e},grpc_method!~"${limit.etcdGrpcIgnored}",grpc_type="unary"}[5m])))
              > ${limit.etcdGrpc}`,
            summary: "Requests to etcd are slow.",
            description: `The slowest 1% of the requests for {{ $labels.grpc_method }} take {{ $value | humanizeDuration }} at
              {{ $labels.instance }} of ${cluster}.`,
          }),
          alert("etcdMemberCommunicationSlow", {
            severity: "warning",
            for: "10m",
            expr: `
              histogram_quantile(0.99, rate(etcd_network_peer_round_trip_time_seconds_bucket{${e}}[5m]))
              > ${limit.etcdRoundTrip}`,
            summary: "Members of etcd answer each other slowly.",
            description: `Talking to {{ $labels.To }} takes {{ $labels.instance }} of ${cluster} {{ $value | humanizeDuration }} in
              the slowest 1% of cases.`,
          }),
          alert("etcdHighNumberOfFailedProposals", {
            severity: "warning",
            for: "15m",
            expr: `rate(etcd_server_proposals_failed_total{${e}}[15m]) * 900 > 5`,
            summary: "Proposals of etcd fail.",
            description: `{{ printf "%.0f" $value }} proposals of {{ $labels.instance }} of ${cluster} failed within 15 minutes.`,
          }),
          fsync("warning", limit.etcdFsyncWarning),
          fsync("critical", limit.etcdFsyncCritical),
          alert("etcdHighCommitDurations", {
            severity: "warning",
            for: "10m",
            expr: `
              histogram_quantile(0.99, rate(etcd_disk_backend_commit_duration_seconds_bucket{${e}}[5m]))
              > ${limit.etcdCommit}`,
            summary: "etcd's disk is slow to commit.",
            description: `The slowest 1% of the commits of {{ $labels.instance }} of ${cluster} take
              {{ $value | humanizeDuration }}.`,
          }),
          alert("etcdDatabaseQuotaLowSpace", {
            severity: "critical",
            for: "10m",
            expr: `${used} * 100 > ${limit.etcdQuotaPercent}`,
            summary: "etcd's database is nearly as large as it may be.",
            description: `The database of {{ $labels.instance }} of ${cluster} fills {{ printf "%.0f" $value }}% of its quota; at
              100% the cluster takes no writes any more.`,
          }),
          alert("etcdExcessiveDatabaseGrowth", {
            severity: "warning",
            for: "10m",
            expr: `
              predict_linear(etcd_mvcc_db_total_size_in_bytes{${e}}[4h], 4 * 60 * 60)
              > etcd_server_quota_backend_bytes{${e}}`,
            summary: "etcd's database will be full within four hours.",
            description: `At its present rate the database of {{ $labels.instance }} of ${cluster} will reach its quota within four
              hours.`,
          }),
          alert("etcdDatabaseHighFragmentationRatio", {
            severity: "warning",
            for: "10m",
            expr: `
              last_over_time(etcd_mvcc_db_total_size_in_use_in_bytes{${e}}[5m])
              / last_over_time(etcd_mvcc_db_total_size_in_bytes{${e}}[5m]) < 0.5
              and etcd_mvcc_db_total_size_in_use_in_bytes{${e}} > 104857600`,
            summary: "Half of etcd's database is empty.",
            description: `Only {{ $value | humanizePercentage }} of the database of {{ $labels.instance }} of ${cluster} is in use:
              defragment it.`,
          }),
        ],
      },
    ],
  };
}
