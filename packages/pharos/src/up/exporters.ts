/** The exporters beside the node exporter: of the objects of the API server, and of GPUs where there is a driver. */
import { createGpuExporter, findNvml, type GpuExporter, gpuExporterFlags } from "@pharos/gpu-exporter";
import { type Logger, parseFlags } from "@pharos/kit";
import type { KubeClient } from "@pharos/kube";
import { createKubeStateMetrics, type KubeStateMetrics, kubeStateMetricsFlags } from "@pharos/kube-state-metrics";
import { VERSION } from "../version.ts";

export interface ExporterPorts {
  kubeStateMetrics: number;
  kubeStateMetricsTelemetry: number;
  gpu: number;
}

/** The alerts about full volumes leave out those whose claim says so. */
const LABELS = "persistentvolumeclaims=[excluded_from_alerts]";

export function startKubeStateMetrics(
  client: KubeClient,
  host: string,
  ports: ExporterPorts,
  log: Logger,
): Promise<KubeStateMetrics> {
  const { values } = parseFlags(kubeStateMetricsFlags, [`--metric-labels-allowlist=${LABELS}`]);
  const flags = {
    ...values,
    host,
    port: ports.kubeStateMetrics,
    "telemetry-host": host,
    "telemetry-port": ports.kubeStateMetricsTelemetry,
  };
  return createKubeStateMetrics({ flags, client, log, version: VERSION });
}

/** Whether this machine has NVIDIA's driver. */
export const hasGpus = (): boolean => findNvml() !== undefined;

export function startGpuExporter(host: string, port: number, log: Logger): Promise<GpuExporter> {
  const { values } = parseFlags(gpuExporterFlags, ["--web.disable-exporter-metrics"]);
  return createGpuExporter({ flags: values, host, port, log });
}
