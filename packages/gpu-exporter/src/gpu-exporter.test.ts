/** Against a library made here by the C compiler; without one these tests are skipped, and say so. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseFamilies } from "@pharos/exposition";
import { parseFlags, silentLogger } from "@pharos/kit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGpuExporter, type GpuExporter, gpuExporterFlags } from "./index.ts";

const compiler = ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);
const compiled = compiler !== undefined && process.platform === "linux";
if (!compiled) console.warn("!! no C compiler on this machine: THE TESTS AGAINST A STUB OF NVML ARE SKIPPED");

let dir: string;
let library: string;
let oldLibrary: string;
let scenario: string;
let stack: AsyncDisposableStack;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-gpu-"));
  library = join(dir, "libnvidia-ml.so.1");
  oldLibrary = join(dir, "libnvidia-ml-old.so.1");
  scenario = join(dir, "scenario");
  process.env.PHAROS_NVML_STUB = scenario;
  if (!compiled) return;
  const source = join(import.meta.dirname, "nvml/nvml-stub.c");
  execFileSync(compiler!, ["-shared", "-fPIC", "-o", library, source]);
  execFileSync(compiler!, ["-shared", "-fPIC", "-DOLD", "-o", oldLibrary, source]);
});
afterAll(() => {
  delete process.env.PHAROS_NVML_STUB;
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  stack = new AsyncDisposableStack();
  play("");
});
afterEach(() => stack.disposeAsync());

/** What the stub does from now on. */
const play = (words: string): void => writeFileSync(scenario, words);

async function start(...flags: string[]): Promise<GpuExporter> {
  const { values } = parseFlags(gpuExporterFlags, ["--web.disable-exporter-metrics", ...flags]);
  return stack.use(await createGpuExporter({ flags: values, host: "127.0.0.1", port: 0, log: silentLogger }));
}

async function scrape(exporter: GpuExporter, path = "/metrics"): Promise<string> {
  const response = await fetch(exporter.url + path);
  expect(response.status).toBe(200);
  return response.text();
}

/** Sample lines, but for those about time. */
const samples = (text: string): string[] =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#") && !line.includes("read_duration"));

describe.skipIf(!compiled)("with the library", () => {
  const withStub = (...flags: string[]) => start(`--nvml.library=${library}`, ...flags);

  test("one device: upstream's metrics, on every path", async () => {
    const exporter = await withStub();
    const labels = '{minor_number="0",uuid="GPU-0",name="Stub H100"}';
    const text = await scrape(exporter, "/anything/at/all");
    expect(samples(text)).toEqual([
      "nvidia_gpu_num_devices 1",
      `nvidia_gpu_memory_used_bytes${labels} 1e+09`,
      `nvidia_gpu_memory_total_bytes${labels} 8.589934592e+10`,
      `nvidia_gpu_duty_cycle${labels} 42`,
      `nvidia_gpu_power_usage_milliwatts${labels} 700123`,
      `nvidia_gpu_temperature_celsius${labels} 61`,
      `nvidia_gpu_fanspeed_percent${labels} 30`,
      `nvidia_gpu_device_up${labels} 1`,
      'nvidia_gpu_exporter_driver_info{driver="570.00.01",nvml="13.570",source="nvml"} 1',
      "nvidia_gpu_exporter_pod_resources_errors_total 0",
      "nvidia_gpu_exporter_restarts_total 0",
      "nvidia_gpu_exporter_up 1",
    ]);
    expect(text).toContain("# HELP nvidia_gpu_memory_used_bytes Memory used by the GPU device in bytes\n");
    expect(parseFamilies(Buffer.from(text), "text").length).toBeGreaterThan(8);
  });

  test("none, and eight", async () => {
    const exporter = await withStub();
    play("count 0");
    expect(samples(await scrape(exporter))[0]).toBe("nvidia_gpu_num_devices 0");
    play("count 8");
    const text = await scrape(exporter);
    expect(text).toContain("nvidia_gpu_num_devices 8");
    expect(text.match(/^nvidia_gpu_duty_cycle/gm)).toHaveLength(8);
    expect(text).toContain('nvidia_gpu_temperature_celsius{minor_number="7",uuid="GPU-7",name="Stub H100"} 61');
  });

  test("what is not supported, or blank, is left out alone; a device that does not say who it is entirely", async () => {
    const exporter = await withStub();
    play("count 3\nfan 0\nblank 1\nanonymous 2");
    const text = await scrape(exporter);
    expect(text).not.toContain("fanspeed");
    expect(text.match(/^nvidia_gpu_duty_cycle/gm)).toHaveLength(2);
    expect(text.match(/^nvidia_gpu_(memory_used|power)/gm)).toHaveLength(2);
    expect(text).not.toContain("GPU-2");
  });

  test("an older library lacks functions: the older ones are taken", async () => {
    const exporter = await start(`--nvml.library=${oldLibrary}`, "--metrics.dcgm");
    const text = await scrape(exporter);
    expect(text).toContain('nvidia_gpu_temperature_celsius{minor_number="0",uuid="GPU-0",name="Stub H100"} 55');
    expect(text).toMatch(/DCGM_FI_DEV_FB_USED\{.*\} 953\n/);
    expect(text).not.toContain("DCGM_FI_DEV_XID_ERRORS");
  });

  test("a device that is lost is told so; the others stay", async () => {
    const exporter = await withStub();
    play("count 2");
    await scrape(exporter);
    for (const words of ["count 2\nlost 1", "count 2\ngone 1", "count 1"]) {
      play(words);
      const text = await scrape(exporter);
      expect(text).toContain('nvidia_gpu_device_up{minor_number="1",uuid="GPU-1",name="Stub H100"} 0');
      expect(text).not.toContain('nvidia_gpu_duty_cycle{minor_number="1"');
      expect(text).toContain('nvidia_gpu_duty_cycle{minor_number="0",uuid="GPU-0",name="Stub H100"} 42');
    }
    play("count 2");
    expect(await scrape(exporter)).toContain('nvidia_gpu_device_up{minor_number="1",uuid="GPU-1",name="Stub H100"} 1');
  });

  test("a call that hangs holds up no scrape longer than the deadline, and old figures are not told again", async () => {
    // Long enough for a process to start on a busy machine.
    const exporter = await withStub("--read.timeout=2s");
    const up = { timeout: 40_000, interval: 500 };
    await expect.poll(() => scrape(exporter), up).toContain("nvidia_gpu_exporter_up 1");
    play("hang 60");
    const started = performance.now();
    const [text, other] = await Promise.all([scrape(exporter), scrape(exporter)]);
    expect(performance.now() - started).toBeLessThan(8_000);
    for (const body of [text, other]) {
      expect(body).toContain("nvidia_gpu_exporter_up 0");
      expect(body).not.toContain("nvidia_gpu_duty_cycle");
    }
    // While the pause lasts nothing is tried: the answer comes at once.
    const again = performance.now();
    expect(await scrape(exporter)).toMatch(/nvidia_gpu_exporter_read_errors_total\{reason="timeout"\} [1-9]/);
    expect(performance.now() - again).toBeLessThan(1_500);
    play("");
    await expect.poll(() => scrape(exporter), up).toContain("nvidia_gpu_exporter_up 1");
    expect(await scrape(exporter)).toMatch(/nvidia_gpu_exporter_restarts_total [1-9]/);
  }, 120_000);

  test("a library that takes its process with it is survived", async () => {
    const exporter = await withStub();
    play("crash 1");
    const text = await scrape(exporter);
    expect(text).toContain('nvidia_gpu_exporter_read_errors_total{reason="died"} 1');
    expect(text).toContain("nvidia_gpu_exporter_up 0");
    play("");
    await expect.poll(() => scrape(exporter), { timeout: 30_000, interval: 300 }).toContain("nvidia_gpu_exporter_up 1");
  }, 60_000);

  test.each([
    ["init 9", "driver_not_loaded"],
    ["init 18", "version_mismatch"],
    ["count_code 999", "unknown"],
  ])(
    "%s: up is 0 for a reason, and 1 as soon as it is gone",
    async (words, reason) => {
      play(words);
      const exporter = await withStub();
      const text = await scrape(exporter);
      expect(text).toContain("nvidia_gpu_exporter_up 0");
      expect(text).toContain(`nvidia_gpu_exporter_read_errors_total{reason="${reason}"} 1`);
      expect(text).not.toContain("nvidia_gpu_num_devices");
      play("");
      await expect
        .poll(() => scrape(exporter), { timeout: 30_000, interval: 300 })
        .toContain("nvidia_gpu_exporter_up 1");
    },
    15_000,
  );

  test("dcgm-exporter's names and units, events and activity among them", async () => {
    process.env.NODE_NAME = "node-a";
    stack.defer(() => {
      delete process.env.NODE_NAME;
    });
    const exporter = await withStub("--metrics.dcgm", "--no-metrics.nvidia-gpu");
    const first = await scrape(exporter);
    expect(first).not.toContain("nvidia_gpu_duty_cycle");
    expect(first).not.toContain("DCGM_FI_PROF");
    play("xid 79");
    await sleep(200);
    const labels =
      '{gpu="0",UUID="GPU-0",pci_bus_id="00000000:1B:00.0",device="nvidia0",modelName="Stub H100",hostname="node-a",DCGM_FI_DRIVER_VERSION="570.00.01"}';
    const text = await scrape(exporter);
    expect(samples(text).slice(0, 22)).toEqual([
      `DCGM_FI_DEV_SM_CLOCK${labels} 1980`,
      `DCGM_FI_DEV_MEM_CLOCK${labels} 2619`,
      `DCGM_FI_DEV_MEMORY_TEMP${labels} 58`,
      `DCGM_FI_DEV_GPU_TEMP${labels} 61`,
      `DCGM_FI_DEV_POWER_USAGE${labels} 700.123`,
      `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION${labels} 1.23456789012e+11`,
      `DCGM_FI_DEV_PCIE_REPLAY_COUNTER${labels} 2`,
      `DCGM_FI_DEV_GPU_UTIL${labels} 42`,
      `DCGM_FI_DEV_MEM_COPY_UTIL${labels} 7`,
      `DCGM_FI_DEV_ENC_UTIL${labels} 3`,
      `DCGM_FI_DEV_DEC_UTIL${labels} 4`,
      `DCGM_FI_DEV_XID_ERRORS${labels} 79`,
      `DCGM_FI_DEV_FB_FREE${labels} 80000`,
      `DCGM_FI_DEV_FB_USED${labels} 1320`,
      `DCGM_FI_DEV_FB_RESERVED${labels} 600`,
      `DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS${labels} 6`,
      `DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS${labels} 5`,
      `DCGM_FI_DEV_ROW_REMAP_FAILURE${labels} 0`,
      `DCGM_FI_PROF_GR_ENGINE_ACTIVE${labels} 0.01`,
      `DCGM_FI_PROF_DRAM_ACTIVE${labels} 0.1`,
      `DCGM_FI_PROF_PCIE_TX_BYTES${labels} 2.097152e+07`,
      `DCGM_FI_PROF_PCIE_RX_BYTES${labels} 2.2020096e+07`,
    ]);
    // The last error stays until there is another one.
    expect(await scrape(exporter)).toContain(`DCGM_FI_DEV_XID_ERRORS${labels} 79`);
  });

  test("slices of a device have their own series", async () => {
    play("mig 0");
    const text = await scrape(await withStub("--metrics.dcgm"));
    expect(text).toMatch(/DCGM_FI_DEV_FB_USED\{gpu="0",UUID="GPU-0",.*GPU_I_PROFILE="1g.10gb",GPU_I_ID="7",hostname=/);
    expect(text.match(/^DCGM_FI_DEV_FB_USED\{.*GPU_I_ID/gm)).toHaveLength(2);
  });

  test("protobuf and OpenMetrics", async () => {
    const exporter = await withStub();
    const accept = "application/openmetrics-text; version=1.0.0";
    const open = await fetch(exporter.url, { headers: { accept } });
    expect(open.headers.get("content-type")).toContain("openmetrics");
    const names = parseFamilies(Buffer.from(await open.arrayBuffer()), "openmetrics").map(({ name }) => name);
    expect(names).toContain("nvidia_gpu_duty_cycle");
  });
});

test("without a library and without nvidia-smi it serves, and says why there is nothing", async () => {
  const exporter = await start("--source=nvml", "--nvml.library=/nowhere/libnvidia-ml.so.1");
  const text = await scrape(exporter);
  expect(text).toContain("nvidia_gpu_exporter_up 0");
  expect(text).toContain('nvidia_gpu_exporter_read_errors_total{reason="library_missing"} 1');
  const other = await start("--source=nvidia-smi", "--nvidia-smi.command=/nowhere/nvidia-smi");
  expect(await scrape(other)).toContain('read_errors_total{reason="library_missing"} 1');
});

describe("through nvidia-smi", () => {
  function program(script: string): string {
    const path = join(dir, `smi-${Math.random().toString(36).slice(2)}`);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }
  const withProgram = (script: string) =>
    start("--source=nvidia-smi", `--nvidia-smi.command=${program(script)}`, "--metrics.dcgm", "--read.timeout=2s");

  const REPORT = `<?xml version="1.0" ?><!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd"><nvidia_smi_log>
<driver_version>570.00.01</driver_version><attached_gpus>1</attached_gpus><gpu id="00000000:1B:00.0"><product_name>NVIDIA X &amp; Y</product_name>
<uuid>GPU-x</uuid><minor_number>3</minor_number><pci><pci_bus_id>00000000:1B:00.0</pci_bus_id></pci><fan_speed>N/A</fan_speed>
<fb_memory_usage><total>81559 MiB</total><reserved>551 MiB</reserved><used>1 MiB</used><free>81007 MiB</free></fb_memory_usage>
<utilization><gpu_util>12 %</gpu_util></utilization><temperature><gpu_temp>41 C</gpu_temp></temperature>
<gpu_power_readings><power_draw>N/A</power_draw><instant_power_draw>69.50 W</instant_power_draw></gpu_power_readings></gpu></nvidia_smi_log>`;

  test("the same metrics as far as it tells them", async () => {
    const text = await scrape(await withProgram(`cat <<'END'\n${REPORT}\nEND`));
    const labels = '{minor_number="3",uuid="GPU-x",name="NVIDIA X & Y"}';
    for (const line of [
      `nvidia_gpu_memory_total_bytes${labels} 8.5520809984e+10`,
      `nvidia_gpu_memory_used_bytes${labels} 5.78813952e+08`,
      `nvidia_gpu_duty_cycle${labels} 12`,
      `nvidia_gpu_power_usage_milliwatts${labels} 69500`,
      `nvidia_gpu_temperature_celsius${labels} 41`,
    ]) {
      expect(text.split("\n")).toContain(line);
    }
    expect(text).not.toContain("fanspeed");
    expect(text).toMatch(/DCGM_FI_DEV_FB_USED\{.*\} 1\n/);
  });

  test("failure, nonsense, and a program that hangs", async () => {
    expect(await scrape(await withProgram("exit 9"))).toContain('reason="driver_not_loaded"');
    expect(await scrape(await withProgram("echo hello"))).toContain('reason="unreadable"');
    const started = performance.now();
    expect(await scrape(await withProgram("exec sleep 60"))).toContain('reason="timeout"');
    expect(performance.now() - started).toBeLessThan(6_000);
  }, 60_000);
});
