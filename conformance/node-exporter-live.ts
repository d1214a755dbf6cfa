/**
 * Side by side with the real node exporter on this very machine: same families, types, help texts and series, and values no
 * further apart than the time between two readings. Runs with $PHAROS_PEERS, a folder with `node_exporter` in it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseFlags, silentLogger } from "@pharos/kit";
import { createNodeExporter, nodeExporterFlags, nodeExporterOptions } from "@pharos/node-exporter";
import type { Suite, SuiteResult } from "./suite.ts";

/** Collectors that are off by default and can be asked anywhere. */
const OPTIONAL = (
  "buddyinfo cgroups cpu_vulnerabilities drbd ethtool interrupts lnstat logind meminfo_numa mountstats " +
  "network_route ntp perf processes qdisc runit slabinfo softirqs supervisord swap sysctl systemd tcpstat wifi xfrm zoneinfo"
).split(" ");

/** The peer's defaults, where its packager changed them. */
const FLAGS = [
  "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
  "--collector.systemd.unit-exclude=.+\\.(automount|device|mount|scope|slice)",
  "--collector.sysctl.include=fs.file-nr:total,current,max",
  "--collector.sysctl.include=kernel.threads-max",
  "--collector.sysctl.include-info=kernel.ostype",
  "--collector.cpu.info",
  "--collector.stat.softirq",
  "--collector.netdev.address-info",
  "--collector.interrupts.include-zeros",
];

/** The program itself, and what only one of the two can have. */
const OWN = /^(go_|nodejs_|process_|promhttp_|node_exporter_build_info|node_scrape_collector_duration_seconds)/;
/** Of collectors the peer's release has not yet. */
const NEWER = new Set(["dmmultipath", "nvmesubsystem"]);

/** What a later release than the peer's repairs: it took every disk of a recent kernel for one that does not rotate. */
const REPAIRED = /rotational="\d"/;

/** Figures that jump between two readings: their series must be the same, their values need not. */
const JUMPY =
  /^node_(procs_|processes_(state|threads)|load|sockstat_|tcp_connection|memory_|zoneinfo_|buddyinfo_|slabinfo_|entropy_|filefd_|ksmd_|disk_io_now|disk_io_time_weighted|pressure_|perf_|softnet_backlog|udp_queues|lnstat_|schedstat|timex_(offset|maxerror|estimated|frequency|tick)|textfile_|scrape_collector_success|filesystem_|arp_)/;
/** Relative difference that other figures may have beyond what they moved meanwhile. */
const SLACK = 0.02;
const ATTEMPTS = 4;

interface Family {
  head: string;
  series: Map<string, number>;
}

function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let help = "";
  let current: Family | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("# HELP ")) help = line;
    else if (line.startsWith("# TYPE ")) {
      current = { head: `${help}\n${line}`, series: new Map() };
      families.set(line.split(" ")[2], current);
    } else if (line !== "" && current) {
      const space = line.lastIndexOf(" ");
      current.series.set(line.slice(0, space).replace(REPAIRED, 'rotational=""'), Number(line.slice(space + 1)));
    }
  }
  for (const name of families.keys()) if (OWN.test(name)) families.delete(name);
  for (const { series } of families.values())
    for (const key of series.keys())
      if (key.startsWith("node_scrape_collector_success") && NEWER.has(/collector="(\w+)"/.exec(key)?.[1] ?? ""))
        series.delete(key);
  return families;
}

/** What of a family differs; undefined when nothing does. `before` and `after` are our readings around the peer's. */
function difference(name: string, before: Family | undefined, peer: Family | undefined, after: Family | undefined) {
  if (!peer) return "surplus";
  if (!before || !after) return "missing";
  if (before.head !== peer.head) return `${before.head} instead of ${peer.head}`;
  for (const key of peer.series.keys()) if (!before.series.has(key) && !after.series.has(key)) return `missing ${key}`;
  for (const key of before.series.keys()) if (!peer.series.has(key) && after.series.has(key)) return `surplus ${key}`;
  if (JUMPY.test(name)) return undefined;
  for (const [key, value] of peer.series) {
    const readings = [before.series.get(key) ?? value, after.series.get(key) ?? value];
    const slack = Math.max(Math.abs(value) * SLACK, 0.05);
    if (value < Math.min(...readings) - slack || value > Math.max(...readings) + slack)
      return `${key} is ${readings.join(" … ")}, the peer says ${value}`;
  }
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitFor(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error(`the real node exporter does not start (exit code ${child.exitCode})`);
}

async function compare(peerUrl: string, url: string): Promise<SuiteResult> {
  let result: SuiteResult = { passed: 0, total: 0, failures: [] };
  // A process, a socket or an interrupt may come between two readings: what is the same once is the same.
  const good = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = async (from: string) => parse(await (await fetch(from)).text());
    const before = await read(url);
    const peer = await read(peerUrl);
    const after = await read(url);
    result = { passed: 0, total: 0, failures: [] };
    for (const name of new Set([...peer.keys(), ...before.keys()])) {
      const problem = difference(name, before.get(name), peer.get(name), after.get(name));
      if (problem === undefined) good.add(name);
      result.total++;
      if (good.has(name)) result.passed++;
      else result.failures.push(`${name}: ${problem}`);
    }
    if (result.failures.length === 0) break;
  }
  return result;
}

/** Runs with both exporters listening, with the same flags. */
async function besides(
  more: readonly string[],
  run: (peerUrl: string, url: string) => Promise<SuiteResult>,
): Promise<SuiteResult> {
  const peers = process.env.PHAROS_PEERS;
  const binary = peers === undefined ? undefined : join(peers, "node_exporter");
  if (binary === undefined || !existsSync(binary)) {
    const notRun = `no real node exporter to compare with (PHAROS_PEERS=${peers ?? ""})`;
    return { passed: 0, total: 0, failures: [], notRun };
  }
  const argv = [...FLAGS, ...more, ...OPTIONAL.map((name) => `--collector.${name}`)];
  const port = await freePort();
  const child = spawn(binary, [...argv, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
  try {
    const { values } = parseFlags(nodeExporterFlags, argv);
    const options = await nodeExporterOptions(values);
    await using exporter = await createNodeExporter({ ...options, host: "127.0.0.1", port: 0, log: silentLogger });
    const peerUrl = `http://127.0.0.1:${port}/metrics`;
    await waitFor(peerUrl, child);
    return await run(peerUrl, `${exporter.url}/metrics`);
  } finally {
    child.kill();
  }
}

async function sideBySide(): Promise<SuiteResult> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-node-live-"));
  const name = "backup_last_success_timestamp_seconds";
  writeFileSync(join(folder, "jobs.prom"), `# HELP ${name} Last.\n# TYPE ${name} gauge\n${name} 1.7e9\n`);
  try {
    return await besides([`--collector.textfile.directory=${folder}`], compare);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Flags that make collectors take other ways to what they tell; each group is a run of its own. */
const OTHER_WAYS: readonly (readonly string[])[] = [
  ["--no-collector.netdev.netlink", "--no-collector.arp.netlink", "--no-collector.cpu.guest"],
  [
    "--no-collector.netdev",
    "--collector.netclass.netlink",
    "--collector.netclass_rtnl.with-stats",
    "--collector.perf.disable-hardware-profilers",
    "--collector.perf.software-profilers=PageFault",
    "--collector.perf.cpus=0",
  ],
  [
    "--collector.netdev.enable-detailed-metrics",
    "--collector.netdev.label-ifalias",
    "--collector.netdev.device-exclude=^lo$",
    "--collector.netclass.ignored-devices=^lo$",
    "--collector.netclass.ignore-invalid-speed",
    "--collector.arp.device-exclude=^eth0$",
    "--collector.filesystem.fs-types-include=^(tmpfs|proc)$",
    "--collector.diskstats.device-include=^vda$",
    "--collector.slabinfo.slabs-include=^kmalloc",
    "--collector.vmstat.fields=^nr_",
    "--collector.netstat.fields=^Tcp",
    "--collector.cpu.info.flags-include=^sse",
    "--collector.interrupts.name-exclude=^(NMI|LOC)$",
    "--collector.disable-defaults",
    ...["arp", "cpu", "diskstats", "filesystem", "netclass", "netdev", "netstat", "vmstat"].map(
      (name) => `--collector.${name}`,
    ),
  ],
];

async function otherWays(): Promise<SuiteResult> {
  const sum: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const flags of OTHER_WAYS) {
    const result = await besides(flags, compare);
    if (result.notRun !== undefined) return result;
    sum.passed += result.passed;
    sum.total += result.total;
    sum.failures.push(...result.failures.map((failure) => `${flags[0]} …: ${failure}`));
  }
  return sum;
}

/** What promtool complains about in a text; upstream's own names are not all to its taste. */
function lint(promtool: string, text: string): string[] {
  const { stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" });
  return `${stdout}\n${stderr}`.split("\n").filter(Boolean);
}

/** `promtool check metrics` says nothing of ours that it does not say of the peer's. */
async function promtool(): Promise<SuiteResult> {
  const peers = process.env.PHAROS_PEERS ?? "";
  const tool = join(peers, "promtool");
  if (peers === "" || !existsSync(tool)) {
    return { passed: 0, total: 0, failures: [], notRun: `no promtool to ask (PHAROS_PEERS=${peers})` };
  }
  return besides([], async (peerUrl, url) => {
    const theirs = new Set(lint(tool, await (await fetch(peerUrl)).text()));
    const text = await (await fetch(url)).text();
    const families = text.split("\n").filter((line) => line.startsWith("# TYPE ")).length;
    const failures = lint(tool, text).filter((line) => !theirs.has(line));
    return { passed: families - failures.length, total: families, failures };
  });
}

export const suites: Suite[] = [
  { name: "node-exporter-live", data: "exporters/node-fixtures", run: sideBySide },
  { name: "node-exporter-live-flags", data: "exporters/node-fixtures", run: otherWays },
  { name: "node-exporter-promtool", data: "exporters/node-fixtures", run: promtool },
];
