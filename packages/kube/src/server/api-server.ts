/** The embedded API server: store, files and HTTP put together. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createHttpServer, type Logger, type Registry } from "@pharos/kit";
import type { UserError } from "@pharos/model";
import type { ObjectName } from "../client/client.ts";
import { matchesLabelSelector } from "../selector.ts";
import type { KubeObject, LabelSelector, ResourceType } from "../types.ts";
import { FileStore } from "./file-store.ts";
import { bundledCrds, establishedStatus, KindRegistry, type ResourceKind } from "./kinds.ts";
import { mountRoutes } from "./routes.ts";
import { StateFile } from "./state-file.ts";
import { type Admission, inVersion, Store } from "./store.ts";

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

export interface InProcessStore {
  all(): Iterable<KubeObject>;
  get<T extends KubeObject = KubeObject>(type: ResourceType, name: ObjectName): T | undefined;
  /** In order of namespace and name. */
  list<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options?: { namespace?: string; labelSelector?: LabelSelector },
  ): T[];
  /** Every change of a resource from now on, in order. */
  watch(
    type: ResourceType,
    listener: (event: { type: "ADDED" | "MODIFIED" | "DELETED"; object: KubeObject }) => void,
  ): Disposable;
  /** Server-side apply, forced. */
  apply(object: KubeObject, options: { fieldManager: string }): Promise<KubeObject>;
  /** True when it was there. */
  delete(type: ResourceType, name: ObjectName): Promise<boolean>;
}

export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  /** The same objects without HTTP. What is read is what is stored: it must not be changed. */
  readonly store: InProcessStore;
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
  await http.app.register(async (scope) => mountRoutes(scope, store, host, log));
  await http.listen();
  const owned = stack.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return {
    url: http.url,
    store: inProcess(kinds, store),
    get watches() {
      return store.listeners;
    },
    problems: () => files.problems(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function inProcess(kinds: KindRegistry, store: Store): InProcessStore {
  const kindOf = ({ group, version, plural }: ResourceType): ResourceKind => {
    const kind = kinds.byPath(group, version, plural);
    if (!kind) throw new Error(`the embedded API server serves no ${plural} in ${group}/${version}`);
    return kind;
  };
  return {
    all: () => store.all(),
    get: <T extends KubeObject>(type: ResourceType, { namespace = "", name }: ObjectName) =>
      store.find(kindOf(type), namespace, name) as T | undefined,
    list: <T extends KubeObject>(
      type: ResourceType,
      { namespace, labelSelector }: { namespace?: string; labelSelector?: LabelSelector } = {},
    ) =>
      store
        .list(kindOf(type), namespace)
        .filter(({ metadata }) => !labelSelector || matchesLabelSelector(labelSelector, metadata.labels ?? {})) as T[],
    watch: (type, listener) => {
      const kind = kindOf(type);
      const storage = store.storageKind(kind);
      return store.listen((event) => {
        if (event.kind.group === storage.group && event.kind.plural === storage.plural)
          listener({ type: event.type, object: inVersion(kind, event.object) });
      });
    },
    apply: async (object, { fieldManager }) => {
      const kind = kinds.byObject(object);
      if (!kind) throw new Error(`there is no kind ${object.kind} in ${object.apiVersion}`);
      const manager = { name: fieldManager, operation: "Apply" } as const;
      const { namespace = "", name = "" } = object.metadata;
      return (await store.apply(kind, namespace, name, object, { manager, force: true })).object;
    },
    delete: async (type, { namespace = "", name }) => {
      const kind = kindOf(type);
      if (!store.find(kind, namespace, name)) return false;
      await store.delete(kind, namespace, name, { manager: { name: "pharos", operation: "Update" } });
      return true;
    },
  };
}
