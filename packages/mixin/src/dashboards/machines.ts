/** Machines, by node exporter: one in depth, all of them beside each other. */
import { dashboard, FILLING, gauge, lines, linkTo, query, stat, table } from "./dsl.ts";
import { RATE, type Scope } from "./scope.ts";

const FILES = 'fstype!~"tmpfs|ramfs|overlay|squashfs"';
const CELL = "${__value.text}";

export function node({ job, limit }: Scope) {
  const only = `${job.nodeExporter},instance="$instance"`;
  const m = (metric: string, more = ""): string => `${metric}{${only}${more}}`;
  const rate = (metric: string, more = ""): string => `rate(${m(metric, more)}[${RATE}])`;
  const used = `1 - ${m("node_filesystem_avail_bytes", `,${FILES}`)} / ${m("node_filesystem_size_bytes", `,${FILES}`)}`;
  return dashboard({
    name: "node",
    title: "Node",
    description: "One machine: CPU, load, memory, filesystems, disks and network, from the node exporter.",
    tags: ["node"],
    variables: [
      { name: "instance", label: "Instance", query: `label_values(node_uname_info{${job.nodeExporter}}, instance)` },
    ],
    rows: [
      {
        title: "At a glance",
        panels: [
          gauge("CPU", `1 - avg(${rate("node_cpu_seconds_total", ',mode="idle"')})`, {
            w: 3,
            description: "Share of all CPU time that was not idle.",
          }),
          gauge("Memory", `1 - ${m("node_memory_MemAvailable_bytes")} / ${m("node_memory_MemTotal_bytes")}`, {
            w: 3,
            description: "Memory that a new program could not get without swapping.",
          }),
          gauge("Fullest filesystem", `max(${used})`, {
            w: 3,
            description: "The filesystem with the least room left.",
          }),
          stat(
            "Load per CPU",
            "short",
            `${m("node_load1")} / scalar(count(${m("node_cpu_seconds_total", ',mode="idle"')}))`,
            {
              w: 3,
              decimals: 2,
              spark: true,
              steps: [
                [null, "green"],
                [1, "orange"],
                [limit.nodeLoadPerCpu, "red"],
              ],
            },
          ),
          stat(
            "Network",
            "binBps",
            `sum(${rate("node_network_receive_bytes_total", ',device!="lo"')}) + sum(${rate("node_network_transmit_bytes_total", ',device!="lo"')})`,
            { w: 3, spark: true, description: "Bytes received and sent, without loopback." },
          ),
          stat("CPUs", "none", `count(${m("node_cpu_seconds_total", ',mode="idle"')})`, { w: 3 }),
          stat("Memory size", "bytes", m("node_memory_MemTotal_bytes"), { w: 3, decimals: 1 }),
          stat("Up for", "s", `time() - ${m("node_boot_time_seconds")}`, {
            w: 3,
            decimals: 1,
            description: "Since the last boot.",
          }),
        ],
      },
      {
        title: "CPU and load",
        panels: [
          lines(
            "CPU by mode",
            "percentunit",
            [
              query(
                `sum by (mode) (${rate("node_cpu_seconds_total", ',mode!="idle"')}) / scalar(count(${m("node_cpu_seconds_total", ',mode="idle"')}))`,
                "{{mode}}",
              ),
            ],
            { stack: true, description: "Share of all CPUs, stacked; the rest up to 100 % is idle." },
          ),
          lines(
            "Load",
            "short",
            [
              query(m("node_load1"), "1 minute"),
              query(m("node_load5"), "5 minutes"),
              query(m("node_load15"), "15 minutes"),
              query(`count(${m("node_cpu_seconds_total", ',mode="idle"')})`, "CPUs"),
            ],
            { limits: "/^CPUs$/", description: "Programs that run or wait to run." },
          ),
        ],
      },
      {
        title: "Memory",
        panels: [
          lines(
            "Memory",
            "bytes",
            [
              query(
                `${m("node_memory_MemTotal_bytes")} - ${m("node_memory_MemFree_bytes")} - ${m("node_memory_Buffers_bytes")} - ${m("node_memory_Cached_bytes")}`,
                "used",
              ),
              query(m("node_memory_Buffers_bytes"), "buffers"),
              query(m("node_memory_Cached_bytes"), "cached"),
              query(m("node_memory_MemFree_bytes"), "free"),
            ],
            { w: 16, stack: true },
          ),
          lines(
            "Paging and faults",
            "ops",
            [
              query(rate("node_vmstat_pgmajfault"), "major faults"),
              query(rate("node_vmstat_pswpin"), "pages swapped in"),
              query(rate("node_vmstat_pswpout"), "pages swapped out"),
            ],
            { w: 8, description: "Reads of memory from disk. Anything steady is a lack of memory." },
          ),
        ],
      },
      {
        title: "Filesystems",
        panels: [
          lines("Filesystem use", "percentunit", [query(`max by (mountpoint) (${used})`, "{{mountpoint}}")], {
            max: 1,
            steps: FILLING,
          }),
          table(
            "Filesystems",
            [
              { label: "mountpoint", name: "Mounted at" },
              { label: "device", name: "Device" },
              { label: "fstype", name: "Type" },
            ],
            [
              {
                name: "Size",
                unit: "bytes",
                expr: `max by (device, fstype, mountpoint) (${m("node_filesystem_size_bytes", `,${FILES}`)})`,
              },
              {
                name: "Available",
                unit: "bytes",
                expr: `max by (device, fstype, mountpoint) (${m("node_filesystem_avail_bytes", `,${FILES}`)})`,
              },
              { name: "Used", share: true, expr: `max by (device, fstype, mountpoint) (${used})` },
            ],
            { w: 12, sort: "Used" },
          ),
        ],
      },
      {
        title: "Disks",
        panels: [
          lines(
            "Throughput",
            "binBps",
            [
              query(rate("node_disk_read_bytes_total"), "{{device}} reads"),
              query(rate("node_disk_written_bytes_total"), "{{device}} writes"),
            ],
            { w: 8, below: "/writes$/", description: "Writes are drawn below zero." },
          ),
          lines(
            "Operations",
            "iops",
            [
              query(rate("node_disk_reads_completed_total"), "{{device}} reads"),
              query(rate("node_disk_writes_completed_total"), "{{device}} writes"),
            ],
            { w: 8, below: "/writes$/", description: "Writes are drawn below zero." },
          ),
          lines("Busy", "percentunit", [query(rate("node_disk_io_time_seconds_total"), "{{device}}")], {
            w: 8,
            description: "Share of time in which a disk had work to do.",
          }),
        ],
      },
      {
        title: "Network",
        panels: [
          lines(
            "Traffic",
            "bps",
            [
              query(`${rate("node_network_receive_bytes_total", ',device!="lo"')} * 8`, "{{device}} in"),
              query(`${rate("node_network_transmit_bytes_total", ',device!="lo"')} * 8`, "{{device}} out"),
            ],
            { below: "/out$/", description: "Out is drawn below zero." },
          ),
          lines(
            "Errors and drops",
            "pps",
            ["receive_errs", "transmit_errs", "receive_drop", "transmit_drop"].map((name) =>
              query(rate(`node_network_${name}_total`, ',device!="lo"'), `{{device}} ${name.replace("_", " ")}`),
            ),
            { w: 6, plain: true },
          ),
          lines(
            "TCP connections",
            "short",
            [
              query(m("node_netstat_Tcp_CurrEstab"), "established"),
              query(m("node_sockstat_TCP_tw"), "waiting to close"),
            ],
            { w: 6 },
          ),
        ],
      },
    ],
  });
}

export function nodes({ job }: Scope) {
  const n = job.nodeExporter;
  const link = linkTo("node", { datasource: "${datasource}", instance: CELL });
  return dashboard({
    name: "nodes",
    title: "Nodes",
    description: "All machines beside each other: use, saturation and errors of CPU, memory, disks and network.",
    tags: ["node"],
    variables: [],
    rows: [
      {
        title: "At a glance",
        panels: [
          stat("Machines", "none", `count(node_uname_info{${n}})`),
          gauge("CPU", `avg(instance:node_cpu_utilisation:rate5m{${n}})`),
          gauge("Memory", `1 - sum(node_memory_MemAvailable_bytes{${n}}) / sum(node_memory_MemTotal_bytes{${n}})`),
          gauge(
            "Space",
            `1 - sum(max by (instance, device) (node_filesystem_avail_bytes{${n},${FILES}})) / sum(max by (instance, device) (node_filesystem_size_bytes{${n},${FILES}}))`,
          ),
          stat("Received", "binBps", `sum(instance:node_network_receive_bytes_excluding_lo:rate5m{${n}})`, {
            spark: true,
          }),
          stat("Sent", "binBps", `sum(instance:node_network_transmit_bytes_excluding_lo:rate5m{${n}})`, {
            spark: true,
          }),
        ],
      },
      {
        title: "Machines",
        panels: [
          table(
            "Machines",
            [{ label: "instance", name: "Instance", link }],
            [
              { name: "CPUs", expr: `sum by (instance) (instance:node_num_cpu:sum{${n}})` },
              { name: "CPU", share: true, expr: `max by (instance) (instance:node_cpu_utilisation:rate5m{${n}})` },
              {
                name: "Load per CPU",
                decimals: 2,
                expr: `max by (instance) (instance:node_load1_per_cpu:ratio{${n}})`,
              },
              { name: "Memory size", unit: "bytes", expr: `max by (instance) (node_memory_MemTotal_bytes{${n}})` },
              { name: "Memory", share: true, expr: `max by (instance) (instance:node_memory_utilisation:ratio{${n}})` },
              {
                name: "Fullest filesystem",
                share: true,
                expr: `max by (instance) (1 - node_filesystem_avail_bytes{${n},${FILES}} / node_filesystem_size_bytes{${n},${FILES}})`,
              },
              { name: "Up for", unit: "s", expr: `time() - max by (instance) (node_boot_time_seconds{${n}})` },
            ],
            { sort: "CPU" },
          ),
        ],
      },
      {
        title: "Use and saturation",
        panels: [
          lines("CPU", "percentunit", [query(`instance:node_cpu_utilisation:rate5m{${n}}`, "{{instance}}")], {
            max: 1,
            steps: FILLING,
          }),
          lines("Load per CPU", "short", [query(`instance:node_load1_per_cpu:ratio{${n}}`, "{{instance}}")]),
          lines("Memory", "percentunit", [query(`instance:node_memory_utilisation:ratio{${n}}`, "{{instance}}")], {
            max: 1,
            steps: FILLING,
          }),
          lines("Major page faults", "ops", [query(`instance:node_vmstat_pgmajfault:rate5m{${n}}`, "{{instance}}")]),
          lines("Disks busy", "percentunit", [
            query(`instance_device:node_disk_io_time_seconds:rate5m{${n}}`, "{{instance}} {{device}}"),
          ]),
          lines("Requests waiting for disks", "short", [
            query(`instance_device:node_disk_io_time_weighted_seconds:rate5m{${n}}`, "{{instance}} {{device}}"),
          ]),
          lines(
            "Traffic",
            "binBps",
            [
              query(`instance:node_network_receive_bytes_excluding_lo:rate5m{${n}}`, "{{instance}} in"),
              query(`instance:node_network_transmit_bytes_excluding_lo:rate5m{${n}}`, "{{instance}} out"),
            ],
            { below: "/out$/", description: "Out is drawn below zero." },
          ),
          lines("Packets dropped", "pps", [
            query(`instance:node_network_receive_drop_excluding_lo:rate5m{${n}}`, "{{instance}} in"),
            query(`instance:node_network_transmit_drop_excluding_lo:rate5m{${n}}`, "{{instance}} out"),
          ]),
        ],
      },
    ],
  });
}
