/** Recording rules and alerts about machines, from node exporter. */
import type { Rule, RuleSet } from "../types.ts";

const NODE = 'job="node-exporter"';
/** Real file systems: read-only and virtual ones say nothing about space. */
const FILESYSTEM = `${NODE},fstype!="",mountpoint!=""`;

const recordings: Rule[] = [
  {
    record: "instance:node_num_cpu:sum",
    expr: `count without (cpu, mode) (node_cpu_seconds_total{${NODE},mode="idle"})`,
  },
  {
    record: "instance:node_cpu_utilisation:rate5m",
    expr:
      `1 - avg without (cpu) (sum without (mode) ` +
      `(rate(node_cpu_seconds_total{${NODE},mode=~"idle|iowait|steal"}[5m])))`,
  },
  {
    record: "instance:node_load1_per_cpu:ratio",
    expr: `node_load1{${NODE}} / instance:node_num_cpu:sum{${NODE}}`,
  },
  {
    record: "instance:node_memory_utilisation:ratio",
    expr: `1 - node_memory_MemAvailable_bytes{${NODE}} / node_memory_MemTotal_bytes{${NODE}}`,
  },
  {
    record: "instance_device:node_disk_io_time_seconds:rate5m",
    expr: `rate(node_disk_io_time_seconds_total{${NODE}}[5m])`,
  },
  {
    record: "instance:node_network_receive_bytes_excluding_lo:rate5m",
    expr: `sum without (device) (rate(node_network_receive_bytes_total{${NODE},device!="lo"}[5m]))`,
  },
  {
    record: "instance:node_network_transmit_bytes_excluding_lo:rate5m",
    expr: `sum without (device) (rate(node_network_transmit_bytes_total{${NODE},device!="lo"}[5m]))`,
  },
];

function almostFull(resource: "space" | "files", percent: number, severity: string): Rule {
  const [free, total, what] =
    resource === "space"
      ? ["node_filesystem_avail_bytes", "node_filesystem_size_bytes", "space"]
      : ["node_filesystem_files_free", "node_filesystem_files", "inodes"];
  return {
    alert: resource === "space" ? "NodeFilesystemAlmostOutOfSpace" : "NodeFilesystemAlmostOutOfFiles",
    expr:
      `${free}{${FILESYSTEM}} / ${total}{${FILESYSTEM}} * 100 < ${percent} ` +
      `and node_filesystem_readonly{${FILESYSTEM}} == 0`,
    for: "30m",
    labels: { severity },
    annotations: {
      summary: `A file system has less than ${percent}% of its ${what} left.`,
      description:
        `{{ $labels.device }}, mounted on {{ $labels.mountpoint }} at {{ $labels.instance }}, has only ` +
        `{{ printf "%.2f" $value }}% ${what} left.`,
    },
  };
}

const alerts: Rule[] = [
  {
    alert: "NodeFilesystemSpaceFillingUp",
    expr:
      `node_filesystem_avail_bytes{${FILESYSTEM}} / node_filesystem_size_bytes{${FILESYSTEM}} * 100 < 15 ` +
      `and predict_linear(node_filesystem_avail_bytes{${FILESYSTEM}}[6h], 24 * 60 * 60) < 0 ` +
      `and node_filesystem_readonly{${FILESYSTEM}} == 0`,
    for: "1h",
    labels: { severity: "warning" },
    annotations: {
      summary: "A file system will be full within 24 hours.",
      description:
        "{{ $labels.device }}, mounted on {{ $labels.mountpoint }} at {{ $labels.instance }}, has only " +
        '{{ printf "%.2f" $value }}% space left and is filling up.',
    },
  },
  almostFull("space", 5, "warning"),
  almostFull("space", 3, "critical"),
  almostFull("files", 5, "warning"),
  almostFull("files", 3, "critical"),
  {
    alert: "NodeCPUHighUsage",
    expr: `instance:node_cpu_utilisation:rate5m{${NODE}} * 100 > 90`,
    for: "15m",
    labels: { severity: "info" },
    annotations: {
      summary: "A machine's processors are busy.",
      description:
        '{{ $labels.instance }} has used {{ printf "%.2f" $value }}% of its processors for the last 15 minutes.',
    },
  },
  {
    alert: "NodeSystemSaturation",
    expr: `instance:node_load1_per_cpu:ratio{${NODE}} > 2`,
    for: "15m",
    labels: { severity: "warning" },
    annotations: {
      summary: "A machine has more work than it can do.",
      description:
        "The load per processor of {{ $labels.instance }} has been above 2 for 15 minutes, now " +
        '{{ printf "%.2f" $value }}: expect it to answer slowly.',
    },
  },
  {
    alert: "NodeMemoryHighUtilization",
    expr: `instance:node_memory_utilisation:ratio{${NODE}} * 100 > 90`,
    for: "15m",
    labels: { severity: "warning" },
    annotations: {
      summary: "A machine is running out of memory.",
      description: '{{ $labels.instance }} has used {{ printf "%.2f" $value }}% of its memory for 15 minutes.',
    },
  },
  {
    alert: "NodeDiskIOSaturation",
    expr: `rate(node_disk_io_time_weighted_seconds_total{${NODE}}[5m]) > 10`,
    for: "30m",
    labels: { severity: "warning" },
    annotations: {
      summary: "The queue of a disk is long.",
      description:
        "The request queue of {{ $labels.device }} at {{ $labels.instance }} has held " +
        '{{ printf "%.2f" $value }} requests on average for 30 minutes.',
    },
  },
  {
    alert: "NodeNetworkReceiveErrs",
    expr: `rate(node_network_receive_errs_total{${NODE}}[2m]) / rate(node_network_receive_packets_total{${NODE}}[2m]) > 0.01`,
    for: "1h",
    labels: { severity: "warning" },
    annotations: {
      summary: "A network interface receives broken packets.",
      description:
        "More than 1% of the packets that {{ $labels.device }} at {{ $labels.instance }} received had errors.",
    },
  },
];

export const node: RuleSet = {
  name: "node-exporter-rules",
  groups: [
    { name: "node-exporter.rules", rules: recordings },
    { name: "node-exporter", rules: alerts },
  ],
};
