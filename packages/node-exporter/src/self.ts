/** What the exporter tells of itself: under client_golang's names what any process has, its handler's counts, its version. */

import type { MetricFamily } from "@pharos/exposition";
import { FamilySet } from "./collector.ts";
import { readdirSync, readFileSync } from "./system.ts";

/** The release of upstream's whose metrics these are. */
export const VERSION = "1.12.1";

/** Go's names of what Node calls otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** The kernel counts processes' time in these units. */
const USER_HZ = 100;
/** Fields of /proc/self/stat behind the name. */
const UTIME = 11;
const STIME = 12;
const STARTTIME = 19;
const VSIZE = 20;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const UNLIMITED = 2 ** 64;

function limit(limits: string, name: string): number {
  const text = new RegExp(`^${name}\\s+(\\S+)`, "m").exec(limits)?.[1];
  return text === undefined || text === "unlimited" ? UNLIMITED : Number(text);
}

/** Time the machine was started, in Unix seconds; it does not change. */
let bootTime: number | undefined;

function addProcess(out: FamilySet): void {
  const stat = read("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (index: number): number => Number(fields[index]);
  bootTime ??= Number(/^btime (\d+)/m.exec(read("/proc/stat"))?.[1] ?? Number.NaN);
  const limits = read("/proc/self/limits");
  const cpu = (field(UTIME) + field(STIME)) / USER_HZ;
  out.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu);
  const maxFds = limit(limits, "Max open files");
  out.gauge("process_max_fds", "Maximum number of open file descriptors.", maxFds);
  // As client_golang: of the network namespace, not of the process alone.
  const [names = [], values = []] = read("/proc/self/net/netstat")
    .split("\n")
    .filter((line) => line.startsWith("IpExt:"))
    .map((line) => line.split(" "));
  const octets = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  out.counter(
    "process_network_receive_bytes_total",
    "Number of bytes received by the process over the network.",
    octets("InOctets"),
  );
  out.counter(
    "process_network_transmit_bytes_total",
    "Number of bytes sent by the process over the network.",
    octets("OutOctets"),
  );
  out.gauge("process_open_fds", "Number of open file descriptors.", readdirSync("/proc/self/fd").length);
  const memory = process.memoryUsage.rss();
  out.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", memory);
  const start = (bootTime ?? 0) + field(STARTTIME) / USER_HZ;
  out.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", start);
  out.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", field(VSIZE));
  const help = "Maximum amount of virtual memory available in bytes.";
  out.gauge("process_virtual_memory_max_bytes", help, limit(limits, "Max address space"));
}

/** Counts of the handler of scrapes. */
export class ScrapeCounts {
  inFlight = 0;
  readonly #byCode = new Map([200, 500, 503].map((code) => [code, 0]));

  done(code: number): void {
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
  }

  add(out: FamilySet): void {
    for (const cause of ["encoding", "gathering"]) {
      const help = "Total number of internal errors encountered by the promhttp metric handler.";
      out.counter("promhttp_metric_handler_errors_total", help, 0, ["cause", cause]);
    }
    const inFlight = "Current number of scrapes being served.";
    out.gauge("promhttp_metric_handler_requests_in_flight", inFlight, this.inFlight);
    for (const [code, count] of this.#byCode) {
      const help = "Total number of scrapes by HTTP status code.";
      out.counter("promhttp_metric_handler_requests_total", help, count, ["code", String(code)]);
    }
  }
}

/** The version, told also where metrics of the exporter itself are not wanted. */
export function buildInfo(): MetricFamily {
  const out = new FamilySet();
  out.gauge(
    "node_exporter_build_info",
    "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.",
    1,
    [
      "branch",
      "pharos",
      "goarch",
      ARCHITECTURES[process.arch] ?? process.arch,
      "goos",
      process.platform,
      "goversion",
      `node${process.version}`,
      "revision",
      "unknown",
      "tags",
      "unknown",
      "version",
      VERSION,
    ],
  );
  return out.families[0];
}

/** Metrics of the exporter itself, of which there are none outside Linux. */
export function selfMetrics(counts: ScrapeCounts): MetricFamily[] {
  const out = new FamilySet();
  try {
    addProcess(out);
  } catch {
    // Without /proc of its own the process cannot tell of itself.
  }
  out.gauge("nodejs_heap_size_used_bytes", "JavaScript heap in use in bytes.", process.memoryUsage().heapUsed);
  counts.add(out);
  return out.families;
}
