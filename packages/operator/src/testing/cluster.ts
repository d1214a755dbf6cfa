/** An embedded API server with a client, and a driver that only remembers: for tests of the loop itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import { createApiServer, createKubeClient, type KubeClient, type KubeObject } from "@pharos/kube";
import type { DesiredInstance, InstanceDriver, InstancePaths, InstanceState } from "../drivers/driver.ts";
import { CONFIG_MAPS, KINDS, type OperatorKind, SECRETS } from "../kinds.ts";
import { Operator, type OperatorOptions } from "../operator.ts";
import type { Reader } from "../readable.ts";

export class MemoryDriver implements InstanceDriver {
  readonly apiServer = undefined;
  readonly features = {};
  readonly applied: DesiredInstance[] = [];
  readonly removed: string[] = [];
  /** Set: nothing can be brought up. */
  failure = "";

  unsupported(): string | undefined {
    return undefined;
  }

  readerOf(): Reader {
    return "upstream";
  }

  pathsOf(): InstancePaths {
    return { certificates: "/certs", rules: () => ["/rules/*.yaml"] };
  }

  async apply(desired: DesiredInstance): Promise<InstanceState> {
    if (this.failure) throw new Error(this.failure);
    this.applied.push(desired);
    return { url: `http://${desired.resource.metadata.name}`, ready: true, message: "" };
  }

  async remove(kind: string, namespace: string, name: string): Promise<void> {
    this.removed.push(`${kind}/${namespace}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The last configuration of an instance. */
  config(name: string): string {
    return this.applied.findLast(({ resource }) => resource.metadata.name === name)?.config ?? "";
  }
}

const NAMESPACES = KINDS.Namespace;
const TYPES = { ...KINDS, Secret: SECRETS, ConfigMap: CONFIG_MAPS };

export class TestCluster implements AsyncDisposable {
  readonly client: KubeClient;
  readonly registry = new Registry();
  readonly #stack: AsyncDisposableStack;

  private constructor(client: KubeClient, stack: AsyncDisposableStack) {
    this.client = client;
    this.#stack = stack;
  }

  static async start(namespaces: readonly string[] = ["default"]): Promise<TestCluster> {
    await using stack = new AsyncDisposableStack();
    const dir = mkdtempSync(join(tmpdir(), "pharos-operator-"));
    stack.defer(() => rmSync(dir, { recursive: true, force: true }));
    const server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
    stack.defer(() => server.close());
    const client = stack.use(createKubeClient({ server: server.url }));
    const cluster = new TestCluster(client, stack.move());
    for (const name of namespaces) {
      if (name === "default") continue;
      await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    return cluster;
  }

  apply(object: KubeObject): Promise<KubeObject> {
    const { uid: _uid, ...metadata } = object.metadata;
    const type = TYPES[object.kind as OperatorKind];
    return this.client.apply(type, { ...object, metadata }, { fieldManager: "test", force: true });
  }

  get(kind: OperatorKind, name: string, namespace = "default"): Promise<KubeObject> {
    return this.client.get(TYPES[kind], { namespace, name });
  }

  delete(kind: OperatorKind, name: string, namespace = "default"): Promise<boolean> {
    return this.client.delete(TYPES[kind], { namespace, name });
  }

  async operator(driver: InstanceDriver, options: Partial<OperatorOptions> = {}): Promise<Operator> {
    const operator = this.#stack.use(
      new Operator({
        client: this.client,
        driver,
        log: silentLogger,
        registry: this.registry,
        debounceMs: 10,
        ...options,
      }),
    );
    await operator.start();
    return operator;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
