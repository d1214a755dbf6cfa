/** The exporter: an HTTP server that reads the GPUs at every scrape, on every path as upstream's does. */
import { hostname } from "node:os";
import { encode, type MetricFamily, negotiate } from "@pharos/exposition";
import {
  createHttpServer,
  type Logger,
  type ParsedFlags,
  prepareWeb,
  Registry,
  registerProcessMetrics,
} from "@pharos/kit";
import { describeError } from "@pharos/model";
import { dcgmFamilies, nvidiaGpuFamilies } from "./families.ts";
import type { gpuExporterFlags } from "./flags.ts";
import { listPodResources } from "./pods/kubelet.ts";
import { ownersOf, type PodOf } from "./pods/owners.ts";
import { ReadError, type Reading, type Source } from "./reading.ts";
import { createSource } from "./source.ts";

export interface GpuExporterOptions {
  /** As `parseFlags(gpuExporterFlags, argv)` gives them; `web.listen-address` is not looked at. */
  flags: ParsedFlags<typeof gpuExporterFlags>["values"];
  host: string;
  port: number;
  log: Logger;
}

export interface GpuExporter extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

type Flags = GpuExporterOptions["flags"];

/** The kubelet is asked beside the GPUs, and no longer than this. */
const KUBELET_MS = 3_000;

class Collector {
  readonly #flags: Flags;
  readonly #log: Logger;
  readonly #source: Source;
  readonly #registry = new Registry();
  readonly #up = this.#registry.gauge("nvidia_gpu_exporter_up", "Whether the GPUs could be read at this scrape.");
  readonly #duration = this.#registry.gauge(
    "nvidia_gpu_exporter_read_duration_seconds",
    "How long reading the GPUs took at this scrape.",
  );
  readonly #errors = this.#registry.counter(
    "nvidia_gpu_exporter_read_errors_total",
    "Scrapes at which the GPUs could not be read, by reason.",
    ["reason"],
  );
  readonly #podErrors = this.#registry.counter(
    "nvidia_gpu_exporter_pod_resources_errors_total",
    "Scrapes at which the kubelet did not tell which pods have which devices.",
  );
  readonly #hostname = process.env.NODE_NAME || hostname();

  constructor(flags: Flags, source: Source, log: Logger) {
    this.#flags = flags;
    this.#source = source;
    this.#log = log;
    this.#registry.counterFunction(
      "nvidia_gpu_exporter_restarts_total",
      "Processes that were ended because the driver did not answer them.",
      () => source.restarts,
    );
    if (!flags["web.disable-exporter-metrics"]) registerProcessMetrics(this.#registry);
  }

  async #read(): Promise<Reading | undefined> {
    const started = performance.now();
    try {
      const reading = await this.#source.read();
      this.#up.set(1);
      return reading;
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      this.#up.set(0);
      this.#errors.labels(error.reason).inc();
      this.#log.debug("no reading", { reason: error.reason, err: error.message });
      return undefined;
    } finally {
      this.#duration.set((performance.now() - started) / 1000);
    }
  }

  async #owners(): Promise<PodOf | undefined> {
    if (!this.#flags.kubernetes) return undefined;
    try {
      const devices = await listPodResources(this.#flags["pod-resources-kubelet-socket"], KUBELET_MS);
      return ownersOf(devices, this.#flags["kubernetes.resource"]);
    } catch (error) {
      this.#podErrors.inc();
      this.#log.warn("no pods for the devices", { err: describeError(error) });
      return undefined;
    }
  }

  /** What is known is shown, and what is not is left out: old figures are never told again. */
  async collect(): Promise<MetricFamily[]> {
    const [reading, podOf] = await Promise.all([this.#read(), this.#owners()]);
    const families: MetricFamily[] = [];
    if (reading) {
      if (this.#flags["metrics.nvidia-gpu"]) families.push(...nvidiaGpuFamilies(reading, podOf));
      if (this.#flags["metrics.dcgm"]) families.push(...dcgmFamilies(reading, this.#hostname, podOf));
      const { source, driverVersion, libraryVersion } = reading;
      families.push({
        name: "nvidia_gpu_exporter_driver_info",
        help: "Versions of the driver and its library, and how they are read.",
        type: "gauge",
        metrics: [{ labels: ["driver", driverVersion, "nvml", libraryVersion, "source", source], value: 1 }],
      });
    }
    return [...families.filter(({ metrics }) => metrics.length > 0), ...this.#registry.families()];
  }
}

/** Listens; throws when the address is taken. */
export async function createGpuExporter({ flags, host, port, log }: GpuExporterOptions): Promise<GpuExporter> {
  const source = createSource({
    library: flags["nvml.library"],
    smiCommand: flags["nvidia-smi.command"],
    source: flags.source as "auto" | "nvml" | "nvidia-smi",
    timeoutMs: flags["read.timeout"],
    log,
  });
  await using stack = new AsyncDisposableStack();
  stack.use(source);
  const collector = new Collector(flags, source, log);
  const web = await prepareWeb({ configFile: flags["web.config.file"], log });
  const server = stack.use(createHttpServer({ host, port, log, web }));
  server.app.get("*", async (request, reply) => {
    const { format, escaping, contentType } = negotiate(request.headers.accept);
    return reply.type(contentType).send(Buffer.from(encode(await collector.collect(), format, escaping)));
  });
  await server.listen();
  const owned = stack.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}
