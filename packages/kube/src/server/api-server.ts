/** The embedded API server: store, files and HTTP put together. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createHttpServer, type Logger, type Registry } from "@pharos/kit";
import type { UserError } from "@pharos/model";
import type { KubeObject } from "../types.ts";
import { FileStore } from "./file-store.ts";
import { bundledCrds, establishedStatus, KindRegistry } from "./kinds.ts";
import { mountRoutes } from "./routes.ts";
import { StateFile } from "./state-file.ts";
import { type Admission, Store } from "./store.ts";

export interface ApiServerOptions {
  /** Folder of the resources' YAML files; bookkeeping lies in its `.state/`. */
  dir: string;
  host: string;
  port: number;
  log: Logger;
  registry?: Registry;
  /** Refuses objects before they are stored. */
  admission?: Admission;
}

export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  /** The same objects without HTTP. */
  readonly store: {
    all(): Iterable<KubeObject>;
    /** Server-side apply, forced. */
    apply(object: KubeObject, options: { fieldManager: string }): Promise<KubeObject>;
  };
  /** Watches that clients hold at this moment. */
  readonly watches: number;
  /** What is wrong with the files. */
  problems(): UserError[];
  close(): Promise<void>;
}

/** Shows the monitoring CRDs that nobody applied; they are part of the program, so they are not stored. */
function presentBundledCrds(kinds: KindRegistry, store: Store): void {
  const kind = kinds.byPath("apiextensions.k8s.io", "v1", "customresourcedefinitions")!;
  const now = new Date().toISOString().replace(/\.\d+Z/, "Z");
  for (const crd of bundledCrds()) {
    if (store.find(kind, "", crd.metadata.name!)) continue;
    // The same at every start: clients may remember it.
    const hash = createHash("sha256").update(crd.metadata.name!).digest("hex");
    const uid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
    const metadata = { ...crd.metadata, uid, resourceVersion: "1", generation: 1, creationTimestamp: now };
    store.restore(kind, { ...crd, metadata, status: establishedStatus(crd, now) });
  }
}

/** Namespaces every cluster has. */
const NAMESPACES = ["default", "kube-system", "kube-public"];

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { dir, host, port, log, registry } = options;
  await using stack = new AsyncDisposableStack();
  const kinds = new KindRegistry();
  const state = stack.use(new StateFile(join(dir, ".state", "objects.jsonl")));
  const files = stack.use(new FileStore(dir, kinds, state, log));
  const store = new Store(kinds, files, state.version, options.admission);
  // CRDs people applied must be known before their objects are read.
  for (const { object } of state.entries.values()) {
    if (object.kind === "CustomResourceDefinition" && object.spec) kinds.addCrd(object);
  }
  await files.open(store);
  const namespaces = kinds.byPath("", "v1", "namespaces")!;
  for (const name of NAMESPACES) {
    if (store.find(namespaces, "", name)) continue;
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, annotations: { "pharos.dev/implicit": "true" } },
    };
    await store.create(namespaces, object, { manager: { name: "pharos", operation: "Update" } });
  }
  presentBundledCrds(kinds, store);
  const http = stack.use(createHttpServer({ host, port, log, registry, metricsPrefix: registry && "apiserver" }));
  // A scope of its own: errors and bodies are treated differently here than elsewhere.
  await http.app.register(async (scope) => mountRoutes(scope, store, host));
  await http.listen();
  const owned = stack.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return {
    url: http.url,
    store: {
      all: () => store.all(),
      apply: async (object, { fieldManager }) => {
        const kind = kinds.byObject(object);
        if (!kind) throw new Error(`there is no kind ${object.kind} in ${object.apiVersion}`);
        const manager = { name: fieldManager, operation: "Apply" } as const;
        const { object: stored } = await store.apply(
          kind,
          object.metadata.namespace ?? "",
          object.metadata.name!,
          object,
          { manager, force: true },
        );
        return stored;
      },
    },
    get watches() {
      return store.listeners;
    },
    problems: () => files.problems(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
