/**
 * The GPU exporter over the stub of NVML that comes with the data: two devices, one of which tells a blank for its memory,
 * and neither a fan. The C compiler makes the library; without one nothing is run, and that is said loudly. promtool, which
 * is looked for in `$PHAROS_PEERS`, else in ../peers/bin, reads what the exporter writes.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createGpuExporter, gpuExporterFlags } from "@pharos/gpu-exporter";
import { parseFlags, silentLogger } from "@pharos/kit";
import type { Suite, SuiteResult } from "./suite.ts";

const promtool = join(
  process.env.PHAROS_PEERS ?? join(dirname(dirname(import.meta.dirname)), "peers", "bin"),
  "promtool",
);

const device = (minor: number, uuid: string): string => `{minor_number="${minor}",uuid="${uuid}",name="Stub H200"}`;
const A = device(0, "GPU-a");
const B = device(1, "GPU-b");

/** What nvidia_gpu_prometheus_exporter would tell of the stub, less the blank it would show as a number. */
const EXPECTED = [
  "nvidia_gpu_num_devices 2",
  `nvidia_gpu_memory_used_bytes${A} 1.234567890123e+12`,
  `nvidia_gpu_memory_total_bytes${A} 1.5e+11`,
  `nvidia_gpu_memory_total_bytes${B} 1.5e+11`,
  ...[A, B].flatMap((labels) => [
    `nvidia_gpu_duty_cycle${labels} 42`,
    `nvidia_gpu_power_usage_milliwatts${labels} 700123`,
    `nvidia_gpu_temperature_celsius${labels} 61`,
  ]),
];

async function run(folder: string): Promise<SuiteResult> {
  const compiler = ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);
  if (!compiler) return { passed: 0, total: 0, failures: [], notRun: "no C compiler to make the stub of NVML with" };
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const check = (what: string, ok: boolean): void => {
    result.total++;
    if (ok) result.passed++;
    else result.failures.push(what);
  };
  const dir = mkdtempSync(join(tmpdir(), "pharos-conformance-"));
  try {
    const library = join(dir, "libnvidia-ml.so.1");
    execFileSync(compiler, ["-shared", "-fPIC", "-w", "-o", library, join(folder, "stub.c")]);
    const { values } = parseFlags(gpuExporterFlags, [`--nvml.library=${library}`]);
    await using exporter = await createGpuExporter({ flags: values, host: "127.0.0.1", port: 0, log: silentLogger });
    const text = await (await fetch(exporter.url)).text();
    const lines = text.split("\n");
    for (const line of EXPECTED) check(line, lines.includes(line));
    check("a blank is no number", !lines.some((line) => line.startsWith(`nvidia_gpu_memory_used_bytes${B}`)));
    check("no fan, no series", !text.includes("fanspeed"));
    if (existsSync(promtool)) {
      const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: text });
      const said = `${stdout}${stderr}`.trim();
      check(`promtool: ${said}`, status === 0 && said === "");
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
  return result;
}

export const suites: Suite[] = [{ name: "gpu-exporter", data: "exporters/gpu-stub", run }];
