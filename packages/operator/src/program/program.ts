/** The operator as a program of a cluster: its loop, the kubelets, and one server for metrics, health and webhooks. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHttpServer, type HttpServer, type Logger, mountMetrics, prepareWeb, Registry } from "@pharos/kit";
import { createKubeClient, type KubeClient } from "@pharos/kube";
import { describeError } from "@pharos/model";
import { KubernetesDriver } from "../drivers/kubernetes/driver.ts";
import { KubeletSync } from "../kubelet/sync.ts";
import { Operator } from "../operator.ts";
import { type AdmissionReview, mutateReview, validateReview } from "../webhooks/admission.ts";
import { WebhookCertificates } from "../webhooks/certificates.ts";
import { type ConversionReview, convertReview } from "../webhooks/conversion.ts";
import { type OperatorFlagValues, type OperatorSettings, operatorSettings } from "./settings.ts";

export interface OperatorProgramOptions {
  /** As `parseFlags(operatorFlags, argv)` gives them. */
  flags: OperatorFlagValues;
  /** Absent: the API server that flags and environment name. It is not closed here. */
  client?: KubeClient;
  log: Logger;
  version: string;
}

export interface OperatorProgram extends AsyncDisposable {
  readonly url: string;
  readonly operator: Operator;
}

/** Largest review: an object as large as the API takes, twice, and its frame. */
const MAX_REVIEW = 8 * 2 ** 20;

function mountWebhooks({ app }: HttpServer): void {
  const answering =
    <Review, Answer>(answer: (review: Review) => Answer) =>
    async (
      { body }: { body: unknown },
      reply: { code(status: number): { send(body: unknown): unknown } },
    ): Promise<unknown> => {
      try {
        if (typeof body !== "object" || body === null) throw new Error("a review in JSON was expected");
        return answer(body as Review);
      } catch (error) {
        return reply.code(400).send({ message: describeError(error) });
      }
    };
  app.post("/admission-prometheusrules/validate", answering<AdmissionReview, unknown>(validateReview));
  app.post("/admission-prometheusrules/mutate", answering<AdmissionReview, unknown>(mutateReview));
  app.post("/admission-alertmanagerconfigs/validate", answering<AdmissionReview, unknown>(validateReview));
  app.post("/convert", answering<ConversionReview, unknown>(convertReview));
}

/** A folder for what the server reads from files. */
function webFolder(stack: AsyncDisposableStack): string {
  const dir = mkdtempSync(join(tmpdir(), "pharos-operator-web-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Serving {
  flags: OperatorFlagValues;
  settings: OperatorSettings;
  client: KubeClient;
  registry: Registry;
  log: Logger;
}

async function serve(
  { flags, settings: { web }, client, registry, log }: Serving,
  stack: AsyncDisposableStack,
): Promise<HttpServer> {
  const dir = webFolder(stack);
  let files = [flags["web.cert-file"], flags["web.key-file"]] as const;
  if (web.service) {
    const certificates = stack.use(new WebhookCertificates({ client, log, service: web.service, dir }));
    await certificates.start();
    files = [join(dir, "tls.crt"), join(dir, "tls.key")];
  }
  const text = web.config(...files);
  const configFile = text === "" ? "" : join(dir, "web.yml");
  if (configFile) writeFileSync(configFile, text, { mode: 0o600 });
  const prepared = await prepareWeb({ configFile, log });
  const server = stack.use(
    createHttpServer({ host: web.host, port: web.port, log, web: prepared, bodyLimit: MAX_REVIEW }),
  );
  mountMetrics(server.app, registry);
  server.app.get("/healthz", async () => "ok\n");
  mountWebhooks(server);
  await server.listen();
  return server;
}

function tellSettings(registry: Registry, { gates }: OperatorSettings, version: string): void {
  registry
    .gauge("prometheus_operator_build_info", "A metric with a constant '1' value labeled by version.", ["version"])
    .labels(version)
    .set(1);
  const gate = registry.gauge("prometheus_operator_feature_gate", "1 for a feature that is on", ["name"]);
  for (const [name, on] of Object.entries(gates)) gate.labels(name).set(on ? 1 : 0);
}

export async function createOperatorProgram(options: OperatorProgramOptions): Promise<OperatorProgram> {
  const { flags, log, version } = options;
  const settings = operatorSettings(flags);
  await using stack = new AsyncDisposableStack();
  const registry = new Registry();
  tellSettings(registry, settings, version);
  const client = options.client ?? stack.use(createKubeClient(settings.target));
  // Webhooks answer before the loop has listed everything: creating its objects may need them.
  const server = await serve({ flags, settings, client, registry, log }, stack);
  const driver = stack.use(new KubernetesDriver({ client, log, registry, ...settings.workloads }));
  const operator = stack.use(
    new Operator({
      client,
      driver,
      log,
      registry,
      scope: settings.scope,
      alwaysManaged: flags["disable-unmanaged-prometheus-configuration"],
    }),
  );
  if (settings.kubelet) {
    const sync = stack.use(new KubeletSync({ client, log, registry, ...settings.kubelet }));
    await sync.start();
  }
  await operator.start();
  const owned = stack.move();
  return { url: server.url, operator, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
