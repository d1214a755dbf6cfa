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

/** The server reads its configuration from a file, which is made for it. */
function configFile(text: string, stack: AsyncDisposableStack): string {
  if (text === "") return "";
  const dir = mkdtempSync(join(tmpdir(), "pharos-operator-web-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "web.yml");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function serve(
  { web }: OperatorSettings,
  registry: Registry,
  log: Logger,
  stack: AsyncDisposableStack,
): Promise<HttpServer> {
  const prepared = await prepareWeb({ configFile: configFile(web.config, stack), log });
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
  const server = await serve(settings, registry, log, stack);
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
