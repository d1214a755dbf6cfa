/** Upstream's fake machine and what its exporter says of it, line by line; one suite a collector would hide what is missing. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags, silentLogger } from "@pharos/kit";
import { createNodeExporter, nodeExporterFlags, nodeExporterOptions } from "@pharos/node-exporter";
import type { Suite, SuiteResult } from "./suite.ts";

/** Collectors of upstream's end-to-end test, and its flags. */
const COLLECTORS = (
  "arp bcache bcachefs bonding btrfs buddyinfo cgroups conntrack cpu cpufreq cpu_vulnerabilities diskstats dmi drbd edac entropy fibrechannel filefd hwmon " +
  "infiniband interrupts ipvs kernel_hung ksmd lnstat loadavg mdadm meminfo meminfo_numa mountstats netdev netstat nfs nfsd pcidevice pressure " +
  "processes qdisc rapl schedstat slabinfo sockstat softirqs stat sysctl textfile thermal_zone udp_queues vmstat watchdog wifi xfrm xfs zfs zoneinfo"
).split(" ");
const FLAGS = [
  "--no-collector.filesystem",
  "--no-collector.selinux",
  "--no-collector.uname",
  "--no-collector.timex",
  "--collector.cpu.info",
  "--collector.arp.device-exclude=nope",
  "--no-collector.arp.netlink",
  "--collector.bcache.priorityStats",
  "--collector.cpu.info.bugs-include=^(cpu_meltdown|spectre_.*|mds)$",
  "--collector.cpu.info.flags-include=^(aes|avx.?|constant_tsc)$",
  "--collector.hwmon.chip-include=(applesmc|asus_nb_wmi|coretemp|hwmon4|ieee80211|nct6779)",
  "--collector.netclass.ignore-invalid-speed",
  "--collector.netclass.ignored-devices=(dmz|int)",
  "--collector.netdev.device-include=lo",
  "--collector.qdisc.device-include=(wlan0|eth0)",
  "--collector.qdisc.fixtures=collector/fixtures/qdisc/",
  "--collector.stat.softirq",
  "--collector.sysctl.include-info=kernel.seccomp.actions_avail",
  "--collector.sysctl.include=fs.file-nr",
  "--collector.sysctl.include=fs.file-nr:total,current,max",
  "--collector.sysctl.include=kernel.threads-max",
  "--collector.textfile.directory=collector/fixtures/textfile/two_metric_files/",
  "--collector.wifi.fixtures=collector/fixtures/wifi",
  "--path.procfs=collector/fixtures/proc",
  "--path.sysfs=collector/fixtures/sys",
  "--path.rootfs=collector/fixtures",
  "--path.udev.data=collector/fixtures/udev/data",
];

/** What upstream's own comparison leaves out: the program itself, the time, and counters of the real loopback device. */
const MOVING =
  /^(# (HELP|TYPE) )?(go_|node_exporter_build_info|node_scrape_collector_duration_seconds|process_|promhttp_|nodejs_|node_textfile_mtime_seconds|node_time_(zone|seconds)|node_network_(receive|transmit)_(bytes|packets)_total)/;

/** The loopback device is the real one: a busy machine drops packets on it, so only that its counters are there is compared. */
const LOOPBACK = /^(node_network_(?:receive|transmit)_\w+_total\{device="lo"\}) \d+$/;

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !MOVING.test(line))
    .map((line) => line.replace(LOOPBACK, "$1 (any)"));
}

async function scrape(argv: readonly string[], query = ""): Promise<string> {
  const { values } = parseFlags(nodeExporterFlags, argv);
  await using exporter = await createNodeExporter({
    ...(await nodeExporterOptions(values)),
    host: "127.0.0.1",
    port: 0,
    log: silentLogger,
  });
  return (await fetch(`${exporter.url}/metrics${query}`)).text();
}

/** Runs in the folder upstream's tests run in, with the fake machine in `collector/fixtures`. */
async function inFixtures(folder: string, run: () => Promise<SuiteResult>): Promise<SuiteResult> {
  const dir = mkdtempSync(join(tmpdir(), "pharos-node-fixtures-"));
  const cwd = process.cwd();
  try {
    mkdirSync(join(dir, "collector"));
    execFileSync("tar", ["-xzf", join(folder, "tree.tar.gz"), "-C", join(dir, "collector")]);
    process.chdir(dir);
    return await run();
  } finally {
    process.chdir(cwd);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Lines of both that are not in the other. */
function compare(expected: readonly string[], got: readonly string[]): SuiteResult {
  const missing = expected.filter((line) => !got.includes(line)).map((line) => `missing: ${line}`);
  const surplus = got.filter((line) => !expected.includes(line)).map((line) => `surplus: ${line}`);
  return {
    passed: expected.length - missing.length,
    total: expected.length + surplus.length,
    failures: [...missing, ...surplus],
  };
}

function endToEnd(folder: string): Promise<SuiteResult> {
  const argv = [...FLAGS, ...COLLECTORS.map((name) => `--collector.${name}`)];
  return inFixtures(folder, async () =>
    compare(linesOf(readFileSync(join(folder, "e2e-output.txt"), "utf8")), linesOf(await scrape(argv))),
  );
}

/** Labels in one order: upstream's expectations put bounds last. */
function sortLabels(line: string): string {
  return line.replace(
    /\{(.*)\}/,
    (_all, inner: string) =>
      `{${inner
        .split(/,(?=\w+=)/)
        .sort()
        .join(",")}}`,
  );
}

function textfiles(folder: string): Promise<SuiteResult> {
  return inFixtures(folder, async () => {
    const root = "collector/fixtures/textfile";
    const result: SuiteResult = { passed: 0, total: 0, failures: [] };
    process.chdir("collector");
    for (const file of readdirSync("fixtures/textfile").filter((name) => name.endsWith(".out"))) {
      const name = file.slice(0, -".out".length);
      const pattern = name === "glob_extra_dimension" ? "*_extra_dimension" : name;
      const argv = [`--collector.textfile.directory=fixtures/textfile/${pattern}`, "--web.disable-exporter-metrics"];
      const lines = (text: string): string[] =>
        text
          .split("\n")
          .filter(
            (line) =>
              line !== "" && !/node_textfile_mtime_seconds|node_scrape_collector|node_exporter_build_info/.test(line),
          )
          .map(sortLabels);
      const expected = lines(readFileSync(`fixtures/textfile/${file}`, "utf8"));
      const { failures } = compare(expected, lines(await scrape(argv, "?collect[]=textfile")));
      result.total++;
      if (failures.length === 0) result.passed++;
      else result.failures.push(`${root}/${name}: ${failures[0]}`);
    }
    return result;
  });
}

/** Expected output of single collectors under other flags: file in the fixtures, collector, flags. */
const SINGLE: readonly (readonly [file: string, collector: string, ...flags: string[]])[] = [
  [
    "pcidevice-names-output.txt",
    "pcidevice",
    "--collector.pcidevice.names",
    "--collector.pcidevice.idsfile=collector/fixtures/pci.ids",
  ],
  ["ip_vs_result.txt", "ipvs"],
  ["ip_vs_result_lbs_none.txt", "ipvs", "--collector.ipvs.backend-labels="],
  ["ip_vs_result_lbs_local_port.txt", "ipvs", "--collector.ipvs.backend-labels=local_port"],
  ["ip_vs_result_lbs_local_address_local_port.txt", "ipvs", "--collector.ipvs.backend-labels=local_port,local_address"],
];

function singleCollectors(folder: string): Promise<SuiteResult> {
  return inFixtures(folder, async () => {
    const result: SuiteResult = { passed: 0, total: 0, failures: [] };
    for (const [file, collector, ...flags] of SINGLE) {
      const paths = FLAGS.filter((flag) => flag.startsWith("--path."));
      const argv = [...paths, ...flags, `--collector.${collector}`, "--web.disable-exporter-metrics"];
      const expected = readFileSync(`collector/fixtures/${file}`, "utf8");
      const lines = (text: string): string[] =>
        text
          .split("\n")
          .filter((line) => new RegExp(`^(# (HELP|TYPE) )?node_${collector}_`).test(line))
          .map(sortLabels);
      const { passed, total, failures } = compare(
        lines(expected),
        lines(await scrape(argv, `?collect[]=${collector}`)),
      );
      result.passed += passed;
      result.total += total;
      result.failures.push(...failures.map((failure) => `${file}: ${failure}`));
    }
    return result;
  });
}

export const suites: Suite[] = [
  { name: "node-exporter", data: "exporters/node-fixtures", run: endToEnd },
  { name: "node-exporter-single", data: "exporters/node-fixtures", run: singleCollectors },
  { name: "node-exporter-textfile", data: "exporters/node-fixtures", run: textfiles },
];
