import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNodeExporter, type NodeExporter } from "./exporter.ts";
import { nodeExporterOptions } from "./flags.ts";

let dir: string;
let exporter: NodeExporter;

/** A machine in files. */
const FILES: Record<string, string> = {
  "proc/stat":
    "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 100 200 300 400 500 600 700 800 900 1000\nintr 77 1 2\nctxt 5\nbtime 1700000000\nprocesses 9\nprocs_running 2\nprocs_blocked 1\n",
  "proc/meminfo": "MemTotal:  1000 kB\nActive(anon): 2 kB\nHugePages_Free: 3\n",
  "proc/loadavg": "0.5 1.25 2 1/100 7\n",
  "proc/net/dev":
    "Inter-| Receive\n face |bytes\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n    lo:0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
  "proc/diskstats":
    "   7 0 loop0 1 1 1 1 1 1 1 1 1 1 1\n 254 0 vda 10 1 20 3000 40 5 60 7000 2 9000 10000 11 12 13 14000 15 16000\n",
  "proc/1/mountinfo":
    "1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:5 / /proc rw - proc proc rw\n3 1 0:6 / /missing\\040place ro - ext4 /dev/vdb rw\n",
  "proc/vmstat": "pgfault 7\nnr_free_pages 1\noom_kill 0\n",
  "proc/sys/fs/file-nr": "100\t0\t900\n",
  "proc/sys/kernel/ostype": "Linux\n",
  "proc/sys/kernel/hostname": "fake\n",
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-node-"));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  const options = await nodeExporterOptions({
    "path.procfs": join(dir, "proc"),
    "path.sysfs": join(dir, "sys"),
    "path.udev.data": join(dir, "udev"),
    "collector.netdev.netlink": false,
  });
  exporter = await createNodeExporter({ ...options, host: "127.0.0.1", port: 0, log: silentLogger });
});
afterAll(async () => {
  await exporter.close();
  rmSync(dir, { recursive: true });
});

const scrape = async (query = ""): Promise<string> => (await fetch(`${exporter.url}/metrics${query}`)).text();

test("the kernel's figures under upstream's names and units", async () => {
  const text = await scrape();
  for (const line of [
    'node_cpu_seconds_total{cpu="0",mode="idle"} 4',
    'node_cpu_guest_seconds_total{cpu="0",mode="nice"} 10',
    "node_boot_time_seconds 1.7e+09",
    "node_intr_total 77",
    "node_memory_MemTotal_bytes 1.024e+06",
    "node_memory_Active_anon_bytes 2048",
    "node_memory_HugePages_Free 3",
    "node_load15 2",
    'node_network_receive_multicast_total{device="eth0"} 8',
    'node_network_transmit_compressed_total{device="eth0"} 16',
    'node_disk_read_bytes_total{device="vda"} 10240',
    'node_disk_read_time_seconds_total{device="vda"} 3',
    'node_disk_io_now{device="vda"} 2',
    'node_disk_flush_requests_time_seconds_total{device="vda"} 16',
    "node_vmstat_pgfault 7",
    "node_filefd_maximum 900",
    'node_scrape_collector_success{collector="cpu"} 1',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect(text).not.toContain("loop0");
  expect(text).not.toContain("nr_free_pages");
  expect(text).toMatch(
    /node_filesystem_size_bytes\{device="\/dev\/vda",device_error="",fstype="ext4",mountpoint="\/"\} [1-9]/,
  );
  expect(text).toContain(
    'node_filesystem_device_error{device="/dev/vdb",device_error="no such file or directory",fstype="ext4",mountpoint="/missing place"} 1',
  );
});

test("collect[] and exclude[] choose collectors; an unknown one is an error", async () => {
  const text = await scrape("?collect[]=loadavg");
  expect(text).toContain("node_load1 0.5");
  expect(text).not.toContain("node_cpu_seconds_total");
  expect(await scrape("?exclude[]=cpu")).not.toContain("node_cpu_seconds_total");
  expect((await fetch(`${exporter.url}/metrics?collect[]=nonsense`)).status).toBe(400);
});

test("a missing file fails its own collector only", async () => {
  rmSync(join(dir, "proc/vmstat"));
  const text = await scrape();
  expect(text).toContain('node_scrape_collector_success{collector="vmstat"} 0');
  expect(text).toContain("node_load1 0.5");
});

test("idle time that falls a little is kept, a real reset is shown", async () => {
  const set = (idle: number): void => writeFileSync(join(dir, "proc/stat"), `cpu0 1 1 1 ${idle} 1 1 1 1 1 1\n`);
  const idle = async () => /mode="idle"\} (\S+)/.exec(await scrape("?collect[]=cpu"))?.[1];
  set(1000);
  expect(await idle()).toBe("10");
  set(900);
  expect(await idle()).toBe("10");
  set(100);
  expect(await idle()).toBe("1");
});

test("a pattern that is not RE2 names its flag", async () => {
  await expect(nodeExporterOptions({ "collector.netdev.device-include": "(" })).rejects.toThrow(UserError);
});

test("flags: defaults off and single collectors on; pairs that exclude each other; unknown and disabled collectors", async () => {
  const enabled = async (values: Record<string, unknown>) => [...(await nodeExporterOptions(values)).enabled].sort();
  expect(await enabled({ "collector.disable-defaults": true, "collector.cpu": true })).toEqual(["cpu"]);
  expect(await enabled({ "collector.cpu": false })).not.toContain("cpu");
  expect(await enabled({})).not.toContain("slabinfo");
  expect(await enabled({ "collector.slabinfo": true })).toContain("slabinfo");
  await expect(
    nodeExporterOptions({ "collector.diskstats.device-include": "a", "collector.diskstats.device-exclude": "b" }),
  ).rejects.toThrow("mutually exclusive");
  const { patterns } = await nodeExporterOptions({ "collector.diskstats.device-include": "a" });
  expect(patterns["collector.diskstats.device-exclude"]).toBeUndefined();
  expect(await scrape("?collect[]=slabinfo")).toContain("disabled collector: slabinfo");
  expect(await scrape("?collect[]=cpu&exclude[]=cpu")).toContain("not allowed");
});

test("flags under their former names", async () => {
  const { patterns } = await nodeExporterOptions({ "collector.diskstats.ignored-devices": "^sd" });
  expect(patterns["collector.diskstats.device-exclude"]?.matches("sda")).toBe(true);
  expect(patterns["collector.diskstats.device-exclude"]?.matches("loop0")).toBe(false);
  await expect(
    nodeExporterOptions({ "collector.netdev.device-blacklist": "a", "collector.netdev.device-exclude": "b" }),
  ).rejects.toThrow("mutually exclusive");
});

test("protobuf on request, never OpenMetrics", async () => {
  const typeFor = async (accept: string) =>
    (await fetch(`${exporter.url}/metrics?collect[]=loadavg`, { headers: { accept } })).headers.get("content-type");
  expect(
    await typeFor("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"),
  ).toContain("application/vnd.google.protobuf");
  expect(await typeFor("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")).toContain("text/plain");
});

test("text files: families of several files together, contradictions and timestamps are errors", async () => {
  const folder = join(dir, "text");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.prom"), '# TYPE jobs gauge\njobs{a="1"} 1\n');
  writeFileSync(join(folder, "b.prom"), '# TYPE jobs gauge\njobs{b="2"} 2\n');
  writeFileSync(join(folder, "c.txt"), "no metrics");
  const read = async () => {
    const options = await nodeExporterOptions({ "collector.textfile.directory": [folder] });
    await using own = await createNodeExporter({ ...options, host: "127.0.0.1", port: 0, log: silentLogger });
    return (await fetch(`${own.url}/metrics?collect[]=textfile`)).text();
  };
  const good = await read();
  expect(good).toContain('jobs{a="",b="2"} 2\njobs{a="1",b=""} 1\n');
  expect(good).toContain(`# HELP jobs Metric read from ${join(folder, "a.prom")}, ${join(folder, "b.prom")}`);
  expect(good).toContain("node_textfile_scrape_error 0");
  writeFileSync(join(folder, "b.prom"), "jobs 1 1700000000000\n");
  const bad = await read();
  expect(bad).toContain("node_textfile_scrape_error 1");
  expect(bad).toContain('jobs{a="1"} 1\n');
});
