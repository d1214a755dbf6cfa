/**
 * The GPU exporter over the stub of NVML that comes with the data: two devices, one of which tells a blank for its memory,
 * and neither a fan. The C compiler makes the library; without one nothing is run, and that is said loudly. In a suite of its
 * own promtool, looked for in `$PHAROS_PEERS`, else in ../peers/bin, reads what the exporter writes.
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

/** What the exporter writes over the stub, or why there is none. */
async function exposition(folder: string): Promise<{ text: string } | { notRun: string }> {
  const compiler = ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);
  if (!compiler) return { notRun: "no C compiler to make the stub of NVML with" };
  const dir = mkdtempSync(join(tmpdir(), "pharos-conformance-"));
  try {
    const library = join(dir, "libnvidia-ml.so.1");
    execFileSync(compiler, ["-shared", "-fPIC", "-w", "-o", library, join(folder, "stub.c")]);
    const { values } = parseFlags(gpuExporterFlags, [`--nvml.library=${library}`]);
    await using exporter = await createGpuExporter({ flags: values, host: "127.0.0.1", port: 0, log: silentLogger });
    return { text: await (await fetch(exporter.url)).text() };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function tally(checks: ReadonlyArray<readonly [what: string, ok: boolean]>): SuiteResult {
  const failures = checks.flatMap(([what, ok]) => (ok ? [] : [what]));
  return { passed: checks.length - failures.length, total: checks.length, failures };
}

const notChecked = (notRun: string): SuiteResult => ({ passed: 0, total: 0, failures: [], notRun });

async function values(folder: string): Promise<SuiteResult> {
  const written = await exposition(folder);
  if ("notRun" in written) return notChecked(written.notRun);
  const lines = written.text.split("\n");
  return tally([
    ...EXPECTED.map((line) => [line, lines.includes(line)] as const),
    ["a blank is no number", !lines.some((line) => line.startsWith(`nvidia_gpu_memory_used_bytes${B}`))],
    ["no fan, no series", !written.text.includes("fanspeed")],
  ]);
}

async function promtoolCheck(folder: string): Promise<SuiteResult> {
  if (!existsSync(promtool)) return notChecked("no promtool; set PHAROS_PEERS to the folder of Prometheus' programs");
  const written = await exposition(folder);
  if ("notRun" in written) return notChecked(written.notRun);
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: written.text });
  const said = `${stdout}${stderr}`.trim();
  return tally([[`promtool: ${said}`, status === 0 && said === ""]]);
}

export const suites: Suite[] = [
  { name: "gpu-exporter", data: "exporters/gpu-stub", run: values },
  { name: "gpu-exporter-promtool", data: "exporters/gpu-stub", run: promtoolCheck },
];
