/** The exporters beside the node exporter: of the objects of the API server, and of GPUs where there is a driver. */
import { createGpuExporter, findNvml, type GpuExporter, gpuExporterFlags } from "@pharos/gpu-exporter";
import { type Logger, parseFlags } from "@pharos/kit";
import type { KubeClient } from "@pharos/kube";
import { createKubeStateMetrics, type KubeStateMetrics, kubeStateMetricsFlags } from "@pharos/kube-state-metrics";
import { UserError } from "@pharos/model";
import { VERSION } from "../version.ts";

export interface ExporterPorts {
  kubeStateMetrics: number;
  kubeStateMetricsTelemetry: number;
  gpu: number;
}

/** The alerts about full volumes leave out those whose claim says so. */
const LABELS = "persistentvolumeclaims=[excluded_from_alerts]";

/**
 * On its own ports where they are free: 8080 is everybody's favourite, and scrapers find this one by its Service wherever it
 * listens.
 */
export async function startKubeStateMetrics(
  client: KubeClient,
  host: string,
  ports: ExporterPorts,
  log: Logger,
): Promise<KubeStateMetrics> {
  const { values } = parseFlags(kubeStateMetricsFlags, [`--metric-labels-allowlist=${LABELS}`]);
  const listening = (port: number, telemetryPort: number): Promise<KubeStateMetrics> => {
    const flags = { ...values, host, port, "telemetry-host": host, "telemetry-port": telemetryPort };
    return createKubeStateMetrics({ flags, client, log, version: VERSION });
  };
  try {
    return await listening(ports.kubeStateMetrics, ports.kubeStateMetricsTelemetry);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "kit.port") throw error;
    log.warn("listening on other ports", { err: error.message });
    return listening(0, 0);
  }
}

/** Whether this machine has NVIDIA's driver. */
export const hasGpus = (): boolean => findNvml() !== undefined;

export function startGpuExporter(host: string, port: number, log: Logger): Promise<GpuExporter> {
  const { values } = parseFlags(gpuExporterFlags, ["--web.disable-exporter-metrics"]);
  return createGpuExporter({ flags: values, host, port, log });
}
