/**
 * All collectors, one file each. Those of hardware and file systems that few machines have, and those that are off unless
 * asked for, are loaded when they are needed: what is not there costs no memory. Their flags are here, as flags are read
 * before.
 */
import { type Collector, type CollectorContext, type CollectorFlag, NoData } from "./collector.ts";
import { arp } from "./collectors/arp.ts";
import { bonding } from "./collectors/bonding.ts";
import { cpu } from "./collectors/cpu.ts";
import { cpufreq } from "./collectors/cpufreq.ts";
import { diskstats } from "./collectors/diskstats.ts";
import { dmi } from "./collectors/dmi.ts";
import { dmmultipath } from "./collectors/dmmultipath.ts";
import { entropy } from "./collectors/entropy.ts";
import { filefd } from "./collectors/filefd.ts";
import { filesystem } from "./collectors/filesystem.ts";
import { kernelHung } from "./collectors/kernel-hung.ts";
import { loadavg } from "./collectors/loadavg.ts";
import { meminfo } from "./collectors/meminfo.ts";
import { netclass } from "./collectors/netclass.ts";
import { netdev } from "./collectors/netdev.ts";
import { netstat } from "./collectors/netstat.ts";
import { os } from "./collectors/os.ts";
import { powersupplyclass } from "./collectors/powersupplyclass.ts";
import { pressure } from "./collectors/pressure.ts";
import { schedstat } from "./collectors/schedstat.ts";
import { selinux } from "./collectors/selinux.ts";
import { sockstat } from "./collectors/sockstat.ts";
import { softnet } from "./collectors/softnet.ts";
import { stat } from "./collectors/stat.ts";
import { textfile } from "./collectors/textfile.ts";
import { thermalZone } from "./collectors/thermal-zone.ts";
import { time } from "./collectors/time.ts";
import { timex } from "./collectors/timex.ts";
import { udpQueues } from "./collectors/udp-queues.ts";
import { uname } from "./collectors/uname.ts";
import { vmstat } from "./collectors/vmstat.ts";
import { watchdog } from "./collectors/watchdog.ts";
import { xfs } from "./collectors/xfs.ts";
import { existsSync } from "./system.ts";

interface LazyOptions {
  defaultOff?: true;
  flags?: Readonly<Record<string, CollectorFlag>>;
  /** Path that is there when the machine has such a thing. */
  needs?: (paths: CollectorContext["paths"]) => string;
  /** Without it, the collector succeeds with nothing to tell, instead of having no data. */
  emptyWithout?: true;
}

function lazy(
  name: string,
  load: () => Promise<Collector>,
  { defaultOff, flags, needs, emptyWithout }: LazyOptions = {},
): Collector {
  let loaded: Collector | undefined;
  return {
    name,
    defaultOff,
    flags,
    load,
    collect(context, signal) {
      const path = needs?.(context.paths);
      if (path !== undefined && !existsSync(path)) {
        if (emptyWithout) return [];
        throw new NoData(`${path} does not exist`);
      }
      if (loaded) return loaded.collect(context, signal);
      return load().then((collector) => {
        loaded = collector;
        return collector.collect(context, signal);
      });
    },
  };
}

/** Collectors that are off unless asked for. */
const optional = (
  name: string,
  load: () => Promise<Collector>,
  flags?: Readonly<Record<string, CollectorFlag>>,
): Collector => lazy(name, load, { defaultOff: true, flags });

const pattern = (help: string, value = "") => ({ type: "string", default: value, pattern: true, help }) as const;

export const COLLECTORS: readonly Collector[] = [
  arp,
  lazy("bcache", async () => (await import("./collectors/bcache.ts")).bcache, {
    needs: ({ sysfs }) => `${sysfs}/fs/bcache`,
    emptyWithout: true,
    flags: {
      "collector.bcache.priorityStats": { type: "boolean", default: "false", help: "Expose expensive priority stats." },
    },
  }),
  lazy("bcachefs", async () => (await import("./collectors/bcachefs.ts")).bcachefs, {
    needs: ({ sysfs }) => `${sysfs}/fs/bcachefs`,
  }),
  bonding,
  lazy("btrfs", async () => (await import("./collectors/btrfs.ts")).btrfs, {
    needs: ({ sysfs }) => `${sysfs}/fs/btrfs`,
    emptyWithout: true,
  }),
  optional("buddyinfo", async () => (await import("./collectors/buddyinfo.ts")).buddyinfo),
  optional("cgroups", async () => (await import("./collectors/cgroups.ts")).cgroups),
  lazy("conntrack", async () => (await import("./collectors/conntrack.ts")).conntrack, {
    needs: ({ procfs }) => `${procfs}/sys/net/netfilter/nf_conntrack_count`,
  }),
  cpu,
  optional("cpu_vulnerabilities", async () => (await import("./collectors/cpu-vulnerabilities.ts")).cpuVulnerabilities),
  cpufreq,
  diskstats,
  dmi,
  dmmultipath,
  optional("drbd", async () => (await import("./collectors/drbd.ts")).drbd),
  optional("drm", async () => (await import("./collectors/drm.ts")).drm),
  lazy("edac", async () => (await import("./collectors/edac.ts")).edac, {
    needs: ({ sysfs }) => `${sysfs}/devices/system/edac/mc`,
    emptyWithout: true,
  }),
  entropy,
  lazy("fibrechannel", async () => (await import("./collectors/fibrechannel.ts")).fibrechannel, {
    needs: ({ sysfs }) => `${sysfs}/class/fc_host`,
  }),
  filefd,
  filesystem,
  lazy("hwmon", async () => (await import("./collectors/hwmon.ts")).hwmon, {
    needs: ({ sysfs }) => `${sysfs}/class/hwmon`,
    flags: {
      "collector.hwmon.chip-include": pattern("Regexp of hwmon chip to include (mutually exclusive to chip-exclude)."),
      "collector.hwmon.chip-exclude": pattern("Regexp of hwmon chip to exclude (mutually exclusive to chip-include)."),
      "collector.hwmon.sensor-include": pattern(
        "Regexp of hwmon sensor to include (mutually exclusive to sensor-exclude).",
      ),
      "collector.hwmon.sensor-exclude": pattern(
        "Regexp of hwmon sensor to exclude (mutually exclusive to sensor-include).",
      ),
    },
  }),
  lazy("infiniband", async () => (await import("./collectors/infiniband.ts")).infiniband, {
    needs: ({ sysfs }) => `${sysfs}/class/infiniband`,
    flags: {
      "collector.infiniband.device-include": {
        type: "string",
        default: "",
        pattern: true,
        help: "Regexp of infiniband devices to include (mutually exclusive to device-exclude).",
      },
      "collector.infiniband.device-exclude": {
        type: "string",
        default: "",
        pattern: true,
        help: "Regexp of infiniband devices to exclude (mutually exclusive to device-include).",
      },
    },
  }),
  optional("interrupts", async () => (await import("./collectors/interrupts.ts")).interrupts, {
    "collector.interrupts.name-include": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of interrupts name to include.",
    },
    "collector.interrupts.name-exclude": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of interrupts name to exclude.",
    },
    "collector.interrupts.include-zeros": {
      type: "boolean",
      default: "true",
      help: "Include interrupts that have a zero value",
    },
  }),
  lazy("ipvs", async () => (await import("./collectors/ipvs.ts")).ipvs, {
    needs: ({ procfs }) => `${procfs}/net/ip_vs_stats`,
    flags: {
      "collector.ipvs.backend-labels": {
        type: "string",
        default: "local_address,local_port,remote_address,remote_port,proto,local_mark",
        help: "Comma separated list for IPVS backend stats labels.",
      },
    },
  }),
  kernelHung,
  optional("ksmd", async () => (await import("./collectors/ksmd.ts")).ksmd),
  optional("lnstat", async () => (await import("./collectors/lnstat.ts")).lnstat),
  loadavg,
  lazy("mdadm", async () => (await import("./collectors/mdadm.ts")).mdadm, {
    needs: ({ procfs }) => `${procfs}/mdstat`,
  }),
  meminfo,
  optional("meminfo_numa", async () => (await import("./collectors/meminfo-numa.ts")).meminfoNuma),
  optional("mountstats", async () => (await import("./collectors/mountstats.ts")).mountstats),
  netclass,
  netdev,
  netstat,
  lazy("nfs", async () => (await import("./collectors/nfs.ts")).nfs, {
    needs: ({ procfs }) => `${procfs}/net/rpc/nfs`,
  }),
  lazy("nfsd", async () => (await import("./collectors/nfsd.ts")).nfsd, {
    needs: ({ procfs }) => `${procfs}/net/rpc/nfsd`,
  }),
  lazy("nvme", async () => (await import("./collectors/nvme.ts")).nvme, {
    needs: ({ sysfs }) => `${sysfs}/class/nvme`,
  }),
  optional("nvmesubsystem", async () => (await import("./collectors/nvmesubsystem.ts")).nvmesubsystem),
  os,
  optional("pcidevice", async () => (await import("./collectors/pcidevice.ts")).pcidevice, {
    "collector.pcidevice.idsfile": {
      type: "string",
      default: "",
      help: "Path to pci.ids file to use for PCI device identification.",
    },
    "collector.pcidevice.names": {
      type: "boolean",
      default: "false",
      help: "Enable PCI device name resolution (requires pci.ids file).",
    },
  }),
  powersupplyclass,
  pressure,
  optional("processes", async () => (await import("./collectors/processes.ts")).processes),
  lazy("rapl", async () => (await import("./collectors/rapl.ts")).rapl, {
    needs: ({ sysfs }) => `${sysfs}/class/powercap`,
    flags: {
      "collector.rapl.enable-zone-label": {
        type: "boolean",
        default: "false",
        help: "Enables the zone name as a label instead of a part of the metric name.",
      },
    },
  }),
  schedstat,
  selinux,
  optional("slabinfo", async () => (await import("./collectors/slabinfo.ts")).slabinfo, {
    "collector.slabinfo.slabs-include": {
      type: "string",
      default: ".*",
      pattern: true,
      help: "Regexp of slabs to include in slabinfo collector.",
    },
    "collector.slabinfo.slabs-exclude": {
      type: "string",
      default: "",
      pattern: true,
      help: "Regexp of slabs to exclude in slabinfo collector.",
    },
  }),
  sockstat,
  optional("softirqs", async () => (await import("./collectors/softirqs.ts")).softirqs),
  softnet,
  stat,
  optional("swap", async () => (await import("./collectors/swap.ts")).swap),
  optional("sysctl", async () => (await import("./collectors/sysctl.ts")).sysctl, {
    "collector.sysctl.include": { type: "string", multiple: true, help: "Select sysctl metrics to include" },
    "collector.sysctl.include-info": {
      type: "string",
      multiple: true,
      help: "Select sysctl metrics to include as info metrics",
    },
  }),
  lazy("tapestats", async () => (await import("./collectors/tapestats.ts")).tapestats, {
    needs: ({ sysfs }) => `${sysfs}/class/scsi_tape`,
    flags: {
      "collector.tapestats.ignored-devices": {
        type: "string",
        default: "^$",
        pattern: true,
        help: "Regexp of devices to ignore for tapestats.",
      },
    },
  }),
  textfile,
  thermalZone,
  time,
  timex,
  udpQueues,
  uname,
  vmstat,
  watchdog,
  optional("xfrm", async () => (await import("./collectors/xfrm.ts")).xfrm),
  xfs,
  lazy("zfs", async () => (await import("./collectors/zfs.ts")).zfs, {
    needs: ({ procfs }) => `${procfs}/spl/kstat/zfs`,
  }),
  optional("zoneinfo", async () => (await import("./collectors/zoneinfo.ts")).zoneinfo),
  optional("ethtool", async () => (await import("./collectors/ethtool.ts")).ethtool, {
    "collector.ethtool.device-include": pattern(
      "Regexp of ethtool devices to include (mutually exclusive to device-exclude).",
    ),
    "collector.ethtool.device-exclude": pattern(
      "Regexp of ethtool devices to exclude (mutually exclusive to device-include).",
    ),
    "collector.ethtool.metrics-include": pattern("Regexp of ethtool stats to include.", ".*"),
  }),
  optional("logind", async () => (await import("./collectors/logind.ts")).logind),
  optional("network_route", async () => (await import("./collectors/network-route.ts")).networkRoute),
  optional("ntp", async () => (await import("./collectors/ntp.ts")).ntp, {
    "collector.ntp.server": { type: "string", default: "127.0.0.1", help: "NTP server to use for ntp collector" },
    "collector.ntp.server-port": {
      type: "number",
      default: "123",
      help: "UDP port number to connect to on NTP server",
    },
    "collector.ntp.protocol-version": { type: "number", default: "4", help: "NTP protocol version" },
    "collector.ntp.server-is-local": {
      type: "boolean",
      default: "false",
      help: "Certify that collector.ntp.server address is not a public ntp server",
    },
    "collector.ntp.ip-ttl": { type: "number", default: "1", help: "IP TTL to use while sending NTP query" },
    "collector.ntp.max-distance": {
      type: "string",
      default: "3.46608s",
      help: "Max accumulated distance to the root",
    },
    "collector.ntp.local-offset-tolerance": {
      type: "string",
      default: "1ms",
      help: "Offset between local clock and local ntpd time to tolerate",
    },
  }),
  optional("perf", async () => (await import("./collectors/perf.ts")).perf, {
    "collector.perf.cpus": {
      type: "string",
      default: "",
      help: "List of CPUs from which perf metrics should be collected",
    },
    "collector.perf.tracepoint": {
      type: "string",
      multiple: true,
      help: "perf tracepoint that should be collected",
    },
    "collector.perf.disable-hardware-profilers": {
      type: "boolean",
      default: "false",
      help: "disable perf hardware profilers",
    },
    "collector.perf.hardware-profilers": {
      type: "string",
      multiple: true,
      help: "perf hardware profilers that should be collected",
    },
    "collector.perf.disable-software-profilers": {
      type: "boolean",
      default: "false",
      help: "disable perf software profilers",
    },
    "collector.perf.software-profilers": {
      type: "string",
      multiple: true,
      help: "perf software profilers that should be collected",
    },
    "collector.perf.disable-cache-profilers": {
      type: "boolean",
      default: "false",
      help: "disable perf cache profilers",
    },
    "collector.perf.cache-profilers": {
      type: "string",
      multiple: true,
      help: "perf cache profilers that should be collected",
    },
  }),
  optional("qdisc", async () => (await import("./collectors/qdisc.ts")).qdisc, {
    "collector.qdisc.fixtures": {
      type: "string",
      default: "",
      help: "test fixtures to use for qdisc collector end-to-end testing",
    },
    "collector.qdisc.device-include": {
      ...pattern("Regexp of qdisc devices to include (mutually exclusive to device-exclude)."),
      opposite: "collector.qdisc.device-exclude",
    },
    "collector.qdisc.device-exclude": pattern(
      "Regexp of qdisc devices to exclude (mutually exclusive to device-include).",
    ),
  }),
  optional("runit", async () => (await import("./collectors/runit.ts")).runit, {
    "collector.runit.servicedir": {
      type: "string",
      default: "/etc/service",
      help: "Path to runit service directory.",
    },
  }),
  optional("supervisord", async () => (await import("./collectors/supervisord.ts")).supervisord, {
    "collector.supervisord.url": {
      type: "string",
      default: "http://localhost:9001/RPC2",
      help: "XML RPC endpoint.",
    },
  }),
  optional("systemd", async () => (await import("./collectors/systemd.ts")).systemd, {
    "collector.systemd.unit-include": {
      ...pattern(
        "Regexp of systemd units to include. Units must both match include and not match exclude to be included.",
        ".+",
      ),
      anchored: true,
    },
    "collector.systemd.unit-exclude": {
      ...pattern(
        "Regexp of systemd units to exclude. Units must both match include and not match exclude to be included.",
        ".+\\.(automount|device|mount|scope|slice)",
      ),
      anchored: true,
    },
    "collector.systemd.enable-task-metrics": {
      type: "boolean",
      default: "false",
      help: "Enables service unit tasks metrics unit_tasks_current and unit_tasks_max",
    },
    "collector.systemd.enable-restarts-metrics": {
      type: "boolean",
      default: "false",
      help: "Enables service unit metric service_restart_total",
    },
    "collector.systemd.enable-start-time-metrics": {
      type: "boolean",
      default: "false",
      help: "Enables service unit metric unit_start_time_seconds",
    },
  }),
  optional("tcpstat", async () => (await import("./collectors/tcpstat.ts")).tcpstat),
  optional("wifi", async () => (await import("./collectors/wifi.ts")).wifi, {
    "collector.wifi.fixtures": {
      type: "string",
      default: "",
      help: "test fixtures to use for wifi collector metrics",
    },
  }),
];
