/** Recording rules and alerts about machines, from node exporter. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet, record } from "../types.ts";

/** Whole disks and their partitions, without loop devices and the like. */
export const DISKS = 'device=~"(/dev/)?(mmcblk.p.+|nvme.+|rbd.+|sd.+|vd.+|xvd.+|dm-.+|md.+|dasd.+)"';
/** Real file systems: virtual ones say nothing about space. */
const MOUNTED = 'fstype!="",mountpoint!=""';

function records({ job }: Settings): Rule[] {
  const n = job.nodeExporter;
  const network = (metric: string, name: string, devices: string, suffix: string): Rule =>
    record(
      `instance:node_network_${name}_${suffix}:rate5m`,
      `sum without (device) (rate(node_network_${metric}_total{${n},${devices}}[5m]))`,
    );
  const counters = ["receive_bytes", "transmit_bytes", "receive_drop", "transmit_drop"];
  return [
    record("instance:node_num_cpu:sum", `count without (cpu, mode) (node_cpu_seconds_total{${n},mode="idle"})`),
    record(
      "instance:node_cpu_utilisation:rate5m",
      `1 - avg without (cpu) (sum without (mode) (rate(node_cpu_seconds_total{${n},mode=~"idle|iowait|steal"}[5m])))`,
    ),
    record("instance:node_load1_per_cpu:ratio", `node_load1{${n}} / instance:node_num_cpu:sum{${n}}`),
    record(
      "instance:node_memory_utilisation:ratio",
      `1 - node_memory_MemAvailable_bytes{${n}} / node_memory_MemTotal_bytes{${n}}`,
    ),
    record("instance:node_vmstat_pgmajfault:rate5m", `rate(node_vmstat_pgmajfault{${n}}[5m])`),
    record(
      "instance_device:node_disk_io_time_seconds:rate5m",
      `rate(node_disk_io_time_seconds_total{${n},${DISKS}}[5m])`,
    ),
    record(
      "instance_device:node_disk_io_time_weighted_seconds:rate5m",
      `rate(node_disk_io_time_weighted_seconds_total{${n},${DISKS}}[5m])`,
    ),
    ...counters.map((name) => network(name, name, 'device!="lo"', "excluding_lo")),
    ...counters.map((name) => network(name, name, 'device!~"lo|veth.+"', "physical")),
  ];
}

/** Names that kube-prometheus' dashboards and people's own rules use. */
function clusterRecords({ job }: Settings): Rule[] {
  const busy = `node_cpu_seconds_total{${job.nodeExporter},mode!="idle",mode!="iowait",mode!="steal"}`;
  const cpus = `sum by (instance, cpu) (node_cpu_seconds_total{${job.nodeExporter}})`;
  const bytes = (direction: string): string =>
    `sum by (instance) (rate(node_network_${direction}_bytes_total{${job.nodeExporter}}[3m]))`;
  return [
    record("instance:node_cpu:rate:sum", `sum by (instance) (rate(${busy}[3m]))`),
    record("instance:node_network_receive_bytes:rate:sum", bytes("receive")),
    record("instance:node_network_transmit_bytes:rate:sum", bytes("transmit")),
    record(
      "instance:node_cpu:ratio",
      `sum without (cpu, mode) (rate(${busy}[5m])) / on (instance) group_left () count by (instance) (${cpus})`,
    ),
    record("cluster:node_cpu:sum_rate5m", `sum(rate(${busy}[5m]))`),
    record("cluster:node_cpu:ratio", `cluster:node_cpu:sum_rate5m / count(${cpus})`),
  ];
}

type Resource = "space" | "files";

function filesystemMetrics({ job }: Settings, resource: Resource) {
  const fs = `${job.nodeExporter},${MOUNTED}`;
  const [free, total, noun] =
    resource === "space"
      ? ["node_filesystem_avail_bytes", "node_filesystem_size_bytes", "space"]
      : ["node_filesystem_files_free", "node_filesystem_files", "inodes"];
  return {
    left: `${free}{${fs}} / ${total}{${fs}} * 100`,
    free: `${free}{${fs}}`,
    // Nobody can fill what is mounted read only.
    writable: `node_filesystem_readonly{${fs}} == 0`,
    noun,
  };
}

const MOUNT = "{{ $labels.device }}, mounted on {{ $labels.mountpoint }} at {{ $labels.instance }}";

function almostFull(settings: Settings, resource: Resource, percent: number, severity: "warning" | "critical"): Rule {
  const { left, writable, noun } = filesystemMetrics(settings, resource);
  return alert(resource === "space" ? "NodeFilesystemAlmostOutOfSpace" : "NodeFilesystemAlmostOutOfFiles", {
    severity,
    for: resource === "space" ? "30m" : "1h",
    expr: `${left} < ${percent} and ${writable}`,
    summary: `A file system has less than ${percent}% of its ${noun} left.`,
    description: `${MOUNT}, has only {{ printf "%.2f" $value }}% ${noun} left.`,
  });
}

function fillingUp(
  settings: Settings,
  resource: Resource,
  percent: number,
  hours: number,
  severity: "warning" | "critical",
): Rule {
  const { left, free, writable, noun } = filesystemMetrics(settings, resource);
  return alert(resource === "space" ? "NodeFilesystemSpaceFillingUp" : "NodeFilesystemFilesFillingUp", {
    severity,
    for: "1h",
    expr: `${left} < ${percent} and predict_linear(${free}[6h], ${hours} * 60 * 60) < 0 and ${writable}`,
    summary: `A file system will be out of ${noun} within ${hours} hours.`,
    description: `${MOUNT}, has {{ printf "%.2f" $value }}% ${noun} left and is filling up.`,
  });
}

function filesystems(settings: Settings): Rule[] {
  const { limit } = settings;
  return [
    fillingUp(settings, "space", limit.filesystemFillingWarningPercent, 24, "warning"),
    fillingUp(settings, "space", limit.filesystemFillingCriticalPercent, 4, "critical"),
    almostFull(settings, "space", limit.filesystemSpaceWarningPercent, "warning"),
    almostFull(settings, "space", limit.filesystemSpaceCriticalPercent, "critical"),
    fillingUp(settings, "files", limit.filesystemFilesFillingWarningPercent, 24, "warning"),
    fillingUp(settings, "files", limit.filesystemFilesFillingCriticalPercent, 4, "critical"),
    almostFull(settings, "files", limit.filesystemFilesWarningPercent, "warning"),
    almostFull(settings, "files", limit.filesystemFilesCriticalPercent, "critical"),
  ];
}

function network({ job, limit }: Settings): Rule[] {
  const n = job.nodeExporter;
  const errors = (name: string, direction: "receive" | "transmit"): Rule =>
    alert(name, {
      severity: "warning",
      for: "1h",
      expr: `
        rate(node_network_${direction}_errs_total{${n}}[2m])
        / rate(node_network_${direction}_packets_total{${n}}[2m]) > ${limit.networkErrors}`,
      summary: `A network interface has many errors when it ${direction === "receive" ? "receives" : "sends"}.`,
      description: `{{ $value | humanizePercentage }} of the packets that {{ $labels.device }} at {{ $labels.instance }}
        ${direction === "receive" ? "received" : "sent"} had errors.`,
    });
  return [
    errors("NodeNetworkReceiveErrs", "receive"),
    errors("NodeNetworkTransmitErrs", "transmit"),
    alert("NodeHighNumberConntrackEntriesUsed", {
      severity: "warning",
      expr: `node_nf_conntrack_entries{${n}} / node_nf_conntrack_entries_limit{${n}} > ${limit.conntrack}`,
      summary: "The kernel's table of connections is nearly full.",
      description: `{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its table of tracked connections; when it is
        full, new connections are dropped.`,
    }),
    alert("NodeBondingDegraded", {
      severity: "warning",
      for: "5m",
      expr: `node_bonding_slaves{${n}} - node_bonding_active{${n}} != 0`,
      summary: "A bonded interface has lost links.",
      description: "{{ $value }} links of {{ $labels.master }} at {{ $labels.instance }} are down.",
    }),
  ];
}

function clock({ job, limit }: Settings): Rule[] {
  const offset = `node_timex_offset_seconds{${job.nodeExporter}}`;
  return [
    alert("NodeClockSkewDetected", {
      severity: "warning",
      for: "10m",
      expr: `
        (${offset} > ${limit.clockSkew} and deriv(${offset}[5m]) >= 0)
        or (${offset} < -${limit.clockSkew} and deriv(${offset}[5m]) <= 0)`,
      summary: "A machine's clock is wrong and does not get better.",
      description: "The clock of {{ $labels.instance }} is off by {{ $value | humanizeDuration }}.",
    }),
    alert("NodeClockNotSynchronising", {
      severity: "warning",
      for: "10m",
      expr: `
        min_over_time(node_timex_sync_status{${job.nodeExporter}}[5m]) == 0
        and node_timex_maxerror_seconds{${job.nodeExporter}} >= 16`,
      summary: "A machine's clock is not synchronised.",
      description: "Nothing keeps the clock of {{ $labels.instance }} right. Is a time service set up there?",
    }),
  ];
}

function load({ job, limit }: Settings): Rule[] {
  const n = job.nodeExporter;
  const open = `node_filefd_allocated{${n}} * 100 / node_filefd_maximum{${n}}`;
  const fileDescriptors = (severity: "warning" | "critical", percent: number): Rule =>
    alert("NodeFileDescriptorLimit", {
      severity,
      for: "15m",
      expr: `${open} > ${percent}`,
      summary: "A machine is running out of file descriptors.",
      description: `{{ $labels.instance }} uses {{ printf "%.2f" $value }}% of its file descriptors.`,
    });
  return [
    fileDescriptors("warning", limit.fileDescriptorsWarningPercent),
    fileDescriptors("critical", limit.fileDescriptorsCriticalPercent),
    alert("NodeCPUHighUsage", {
      severity: "info",
      for: "15m",
      expr: `
        sum without (mode) (avg without (cpu) (
          rate(node_cpu_seconds_total{${n},mode!~"idle|iowait"}[2m]))) * 100 > ${limit.nodeCpuPercent}`,
      summary: "A machine's processors are busy.",
      description: `{{ $labels.instance }} has used {{ printf "%.2f" $value }}% of its processors for the last 15 minutes.`,
    }),
    alert("NodeSystemSaturation", {
      severity: "warning",
      for: "15m",
      expr: `
        node_load1{${n}} / count without (cpu, mode) (node_cpu_seconds_total{${n},mode="idle"})
        > ${limit.nodeLoadPerCpu}`,
      summary: "A machine has more work than it can do.",
      description: `The load per processor of {{ $labels.instance }} has been high for 15 minutes, now
        {{ printf "%.2f" $value }}: expect it to answer slowly.`,
    }),
    alert("NodeMemoryMajorPagesFaults", {
      severity: "warning",
      for: "15m",
      expr: `rate(node_vmstat_pgmajfault{${n}}[5m]) > ${limit.majorFaults}`,
      summary: "A machine reads memory from its disk all the time.",
      description: `{{ $labels.instance }} has {{ printf "%.0f" $value }} major page faults a second: it is short of memory.`,
    }),
    alert("NodeMemoryHighUtilization", {
      severity: "warning",
      for: "15m",
      expr: `
        100 - node_memory_MemAvailable_bytes{${n}} / node_memory_MemTotal_bytes{${n}} * 100
        > ${limit.nodeMemoryPercent}`,
      summary: "A machine is running out of memory.",
      description: `{{ $labels.instance }} has used {{ printf "%.2f" $value }}% of its memory for 15 minutes.`,
    }),
    alert("NodeDiskIOSaturation", {
      severity: "warning",
      for: "30m",
      expr: `rate(node_disk_io_time_weighted_seconds_total{${n},${DISKS}}[5m]) > ${limit.diskQueue}`,
      summary: "The queue of a disk is long.",
      description: `The request queue of {{ $labels.device }} at {{ $labels.instance }} has held
        {{ printf "%.2f" $value }} requests on average for 30 minutes.`,
    }),
  ];
}

function parts({ job }: Settings): Rule[] {
  const n = job.nodeExporter;
  return [
    alert("NodeRAIDDegraded", {
      severity: "critical",
      for: "15m",
      expr: `
        node_md_disks_required{${n},${DISKS}} - ignoring (state) node_md_disks{${n},${DISKS},state="active"} > 0`,
      summary: "A RAID array lacks disks.",
      description: `Array {{ $labels.device }} at {{ $labels.instance }} lacks {{ $value }} disks and has no spare to put in
        their place.`,
    }),
    alert("NodeRAIDDiskFailure", {
      severity: "warning",
      expr: `node_md_disks{${n},${DISKS},state="failed"} > 0`,
      summary: "A disk of a RAID array failed.",
      description: "{{ $value }} disks of array {{ $labels.device }} at {{ $labels.instance }} failed.",
    }),
    alert("NodeTextFileCollectorScrapeError", {
      severity: "warning",
      expr: `node_textfile_scrape_error{${n}} == 1`,
      summary: "Node exporter cannot read a file of metrics.",
      description: "The textfile collector at {{ $labels.instance }} met a file that it cannot read.",
    }),
    alert("NodeSystemdServiceFailed", {
      severity: "warning",
      for: "5m",
      expr: `node_systemd_unit_state{${n},state="failed"} == 1`,
      summary: "A systemd service failed.",
      description: "{{ $labels.name }} at {{ $labels.instance }} failed.",
    }),
    alert("NodeSystemdServiceCrashlooping", {
      severity: "warning",
      for: "15m",
      expr: `increase(node_systemd_service_restart_total{${n}}[5m]) > 2`,
      summary: "A systemd service starts again and again.",
      description: `{{ $labels.name }} at {{ $labels.instance }} was started {{ printf "%.0f" $value }} times within five
        minutes.`,
    }),
  ];
}

export function node(settings: Settings): RuleSet {
  const n = settings.job.nodeExporter;
  return {
    name: "node-exporter-rules",
    groups: [
      { name: "node-exporter.rules", rules: records(settings) },
      { name: "kube-prometheus-node-recording.rules", rules: clusterRecords(settings) },
      {
        name: "node-exporter",
        rules: [
          ...filesystems(settings),
          ...network(settings),
          ...clock(settings),
          ...load(settings),
          ...parts(settings),
        ],
      },
      {
        name: "node-network",
        rules: [
          alert("NodeNetworkInterfaceFlapping", {
            severity: "warning",
            for: "2m",
            expr: `changes(node_network_up{${n},device!~"veth.+"}[2m]) > 2`,
            summary: "A network interface goes up and down.",
            description:
              "{{ $labels.device }} at {{ $labels.instance }} has changed its state {{ $value }} times in two minutes.",
          }),
        ],
      },
    ],
  };
}
