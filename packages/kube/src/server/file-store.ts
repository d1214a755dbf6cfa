/**
 * Objects as YAML files in a directory, in both directions: what the API writes appears as files, what people write, edit
 * or delete there takes effect. A file that cannot be read keeps the objects it last held.
 */
import { existsSync, type FSWatcher, mkdirSync, readdirSync, readFileSync, rmSync, statSync, watch } from "node:fs";
import { join, relative } from "node:path";
import { type Logger, writeFileAtomic } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import { type KubeObject, objectKey } from "../types.ts";
import type { KindRegistry, ResourceKind } from "./kinds.ts";
import { checkUnknownFields } from "./object-rules.ts";
import type { StateFile } from "./state-file.ts";
import type { Persistence, Store } from "./store.ts";
import { contentOf, LAST_APPLIED, newText, parseFile, removeFrom, writeInto } from "./yaml-files.ts";

/** Kinds that come and go by themselves: kept in the state file, not as YAML people would read. */
const WITHOUT_FILE = new Set(["Event", "Lease", "Endpoints"]);
/** Changes of several files at once, as an editor or git makes them, are taken together. */
const SETTLE_MS = 50;
const MAX_FILE_BYTES = 16 * 2 ** 20;
const MANAGER = { name: "file", operation: "Update" } as const;

interface KnownFile {
  text: string;
  /** Keys of the objects that come from it. */
  keys: Set<string>;
  problems: UserError[];
}

export function stateKey(kind: ResourceKind, object: KubeObject): string {
  return `${kind.group}/${kind.plural}/${objectKey(object)}`;
}

/** Everything but the content: what has to be remembered beside the file. */
function bookkeepingOf(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, status } = object;
  const { labels: _labels, annotations, ...rest } = metadata;
  const lastApplied = annotations?.[LAST_APPLIED];
  return {
    apiVersion,
    kind,
    metadata: { ...rest, ...(lastApplied === undefined ? {} : { annotations: { [LAST_APPLIED]: lastApplied } }) },
    ...(status === undefined ? {} : { status }),
  };
}

export class FileStore implements Persistence, Disposable {
  readonly #dir: string;
  readonly #kinds: KindRegistry;
  readonly #state: StateFile;
  readonly #log: Logger;
  readonly #files = new Map<string, KnownFile>();
  /** File of each object, by state key. */
  readonly #origins = new Map<string, string>();
  #store: Store | undefined;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> = Promise.resolve();
  /** File whose objects are being taken right now. */
  #reading: string | undefined;

  constructor(dir: string, kinds: KindRegistry, state: StateFile, log: Logger) {
    this.#dir = dir;
    this.#kinds = kinds;
    this.#state = state;
    this.#log = log;
    mkdirSync(dir, { recursive: true });
  }

  /** Everything that is wrong with files, newest reading. */
  problems(): UserError[] {
    return [...this.#files.values()].flatMap(({ problems }) => problems);
  }

  /** Loads everything into the store, then follows the directory. */
  async open(store: Store): Promise<void> {
    this.#store = store;
    for (const [, { object, file }] of this.#state.entries) {
      const kind = this.#kinds.byObject(object);
      if (kind && !file) store.restore(kind, object);
    }
    await this.#scan();
    this.#watcher = watch(this.#dir, { recursive: true }, () => this.#schedule());
    this.#watcher.on("error", (error) =>
      this.#log.warn("watching the resource directory failed", { dir: this.#dir, err: error }),
    );
    // A file written between the first reading and the watch.
    this.#schedule();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  put(kind: ResourceKind, object: KubeObject, old: KubeObject | undefined): void {
    const key = stateKey(kind, object);
    const origin = this.#origins.get(key);
    const hasFile = origin !== undefined || !this.#withoutFile(kind, object);
    const sameContent = old !== undefined && JSON.stringify(contentOf(old)) === JSON.stringify(contentOf(object));
    // A file being read is not written back: it says already what it says.
    if (hasFile && !(origin !== undefined && (sameContent || this.#reading === origin))) {
      const path = origin ?? this.#newPath(kind, object);
      const known = this.#files.get(path);
      const current = known?.text ?? (existsSync(path) ? readFileSync(path, "utf8") : "");
      const text = current === "" ? newText(object) : writeInto(current, object, old);
      writeFileAtomic(path, text, kind.kind === "Secret" ? 0o600 : 0o644);
      this.#files.set(path, { text, keys: (known?.keys ?? new Set()).add(key), problems: known?.problems ?? [] });
      this.#origins.set(key, path);
    }
    this.#state.put(key, { object: hasFile ? bookkeepingOf(object) : object, file: hasFile });
  }

  remove(kind: ResourceKind, object: KubeObject): void {
    const key = stateKey(kind, object);
    const path = this.#origins.get(key);
    if (path !== undefined) {
      const known = this.#files.get(path);
      const text = removeFrom(known?.text ?? "", object);
      if (text === "") {
        rmSync(path, { force: true });
        this.#files.delete(path);
      } else {
        writeFileAtomic(path, text);
        known?.keys.delete(key);
        this.#files.set(path, { text, keys: known?.keys ?? new Set(), problems: known?.problems ?? [] });
      }
      this.#origins.delete(key);
    }
    this.#state.remove(key);
  }

  #withoutFile(kind: ResourceKind, object: KubeObject): boolean {
    // Namespaces nobody wrote down exist because something lives in them.
    return WITHOUT_FILE.has(kind.kind) || object.metadata.annotations?.["pharos.dev/implicit"] === "true";
  }

  /** `<namespace>/<kind>.<name>.yaml`; names are DNS names, so that no path can lead elsewhere. */
  #newPath(kind: ResourceKind, { metadata }: KubeObject): string {
    const folder = kind.namespaced ? metadata.namespace! : "cluster";
    // Two groups have an Event, and users' CRDs may repeat any kind's name.
    const group =
      kind.group === "" || kind.group.endsWith("k8s.io") || kind.group === "monitoring.coreos.com"
        ? ""
        : `.${kind.group}`;
    return join(
      this.#dir,
      folder,
      `${kind.singular}${group}.${metadata.name}.yaml`.replaceAll(/[^a-zA-Z0-9._-]/g, "_"),
    );
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#scanning = this.#scanning
        .then(() => this.#scan())
        .catch((error) => this.#log.error("reading the resource directory failed", { dir: this.#dir, err: error }));
    }, SETTLE_MS);
  }

  async #scan(): Promise<void> {
    const present = new Set(
      readdirSync(this.#dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name) && !entry.name.startsWith("."))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter(
          (path) =>
            !relative(this.#dir, path)
              .split("/")
              .some((part) => part.startsWith(".")),
        ),
    );
    const changed: { path: string; text: string }[] = [];
    for (const path of [...present].sort()) {
      try {
        if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
        const text = readFileSync(path, "utf8");
        if (this.#files.get(path)?.text !== text) changed.push({ path, text });
      } catch (error) {
        this.#log.warn("resource file not read", { file: path, err: error });
      }
    }
    const gone = [...this.#files.keys()].filter((path) => !present.has(path));
    // An object that moved to another file must not be deleted on the way: additions first.
    const namespaces = changed.filter(({ text }) => /^kind:\s*Namespace\s*$/m.test(text));
    for (const file of [...namespaces, ...changed.filter((file) => !namespaces.includes(file))])
      await this.#takeFile(file.path, file.text);
    for (const path of gone) {
      const known = this.#files.get(path);
      this.#files.delete(path);
      for (const key of known?.keys ?? []) if (this.#origins.get(key) === path) await this.#forget(key);
    }
  }

  async #takeFile(path: string, text: string): Promise<void> {
    const before = this.#files.get(path);
    const file = relative(this.#dir, path);
    const { documents, problems } = parseFile(text, file);
    const known: KnownFile = { text, keys: new Set(), problems: [...problems] };
    this.#files.set(path, known);
    for (const { object, line } of documents) {
      try {
        const key = await this.#takeObject(object, path);
        known.keys.add(key);
      } catch (error) {
        const kind = this.#kinds.byObject(object);
        const key =
          kind &&
          stateKey(kind, {
            ...object,
            metadata: {
              ...object.metadata,
              namespace: kind.namespaced ? (object.metadata.namespace ?? "default") : undefined,
            },
          });
        // The version in force came from here: it stays, as does its tie to this file.
        if (key && before?.keys.has(key)) known.keys.add(key);
        known.problems.push(
          new UserError("kube.invalid", describeError(error), {
            where: {
              file,
              line,
              object: `${object.kind} ${object.metadata.namespace ?? "default"}/${object.metadata.name}`,
            },
            fix: "The last good version stays in force",
            cause: error,
          }),
        );
      }
    }
    // With a document unreadable, nobody knows which object it was: nothing is taken for deleted.
    const missing = [...(before?.keys ?? [])].filter((key) => !known.keys.has(key));
    for (const key of missing) {
      if (problems.length > 0) known.keys.add(key);
      else if (this.#origins.get(key) === path) await this.#forget(key);
    }
    for (const problem of known.problems)
      this.#log.warn("resource file has a problem", { problem: problem.describe() });
  }

  async #takeObject(input: KubeObject, path: string): Promise<string> {
    const store = this.#store!;
    const kind = this.#kinds.byObject(input);
    if (!kind) throw new UserError("kube.unknown-kind", `there is no kind ${input.kind} in ${input.apiVersion}`);
    const object = contentOf(input);
    if (kind.namespaced) object.metadata.namespace ??= "default";
    else delete object.metadata.namespace;
    checkUnknownFields(kind, object, "Strict");
    const key = stateKey(kind, object);
    const origin = this.#origins.get(key);
    if (origin !== undefined && origin !== path && this.#files.has(origin) && existsSync(origin)) {
      throw new UserError("kube.duplicate", `the same object is already in ${relative(this.#dir, origin)}`, {
        fix: "Remove one of them",
      });
    }
    const { namespace = "", name = "" } = object.metadata;
    if (kind.namespaced) await this.#ensureNamespace(namespace);
    const remembered = this.#state.entries.get(key);
    const current = store.find(kind, namespace, name);
    this.#origins.set(key, path);
    this.#reading = path;
    try {
      if (current) {
        await store.update(kind, namespace, name, (live) => withContent(live, object), { manager: MANAGER });
      } else if (remembered?.file) {
        // Known from an earlier run: the same object goes on, with what has changed meanwhile.
        const restored = withContent({ ...remembered.object, metadata: { ...remembered.object.metadata } }, object);
        store.restore(kind, restored);
        await store.update(kind, namespace, name, (live) => live, { manager: MANAGER });
      } else {
        await store.create(kind, object, { manager: MANAGER });
      }
    } catch (error) {
      if (origin === undefined) this.#origins.delete(key);
      else this.#origins.set(key, origin);
      throw error;
    } finally {
      this.#reading = undefined;
    }
    return key;
  }

  async #ensureNamespace(name: string): Promise<void> {
    const kind = this.#kinds.byPath("", "v1", "namespaces")!;
    if (this.#store!.find(kind, "", name)) return;
    await this.#store!.create(
      kind,
      { apiVersion: "v1", kind: "Namespace", metadata: { name, annotations: { "pharos.dev/implicit": "true" } } },
      { manager: MANAGER },
    );
  }

  /** The file does not hold the object any more: it is deleted, as by the API. */
  async #forget(key: string): Promise<void> {
    this.#origins.delete(key);
    const [group, plural, namespace, name] = key.split("/");
    const kind = this.#kinds.all().find((entry) => entry.group === group && entry.plural === plural);
    if (kind && this.#store!.find(kind, namespace, name))
      await this.#store!.delete(kind, namespace, name, { manager: MANAGER });
  }
}

/** The live object with the file's content; bookkeeping and status stay. */
function withContent(live: KubeObject, content: KubeObject): KubeObject {
  const { labels: _labels, annotations, ...kept } = live.metadata;
  const lastApplied = annotations?.[LAST_APPLIED];
  const wanted = {
    ...content.metadata.annotations,
    ...(lastApplied === undefined ? {} : { [LAST_APPLIED]: lastApplied }),
  };
  return {
    ...content,
    metadata: {
      ...kept,
      ...content.metadata,
      ...(Object.keys(wanted).length > 0 ? { annotations: wanted } : {}),
    },
    ...(live.status === undefined ? {} : { status: live.status }),
  };
}
