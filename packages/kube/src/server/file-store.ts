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
import { conflict } from "./status-error.ts";
import type { Persistence, Store } from "./store.ts";
import { contentOf, LAST_APPLIED, newText, parseFile, removeFrom, writeInto } from "./yaml-files.ts";

/** Kinds that come and go by themselves: kept in the state file, not as YAML people would read. */
const WITHOUT_FILE = new Set(["Event", "Lease", "Endpoints", "EndpointSlice"]);
/** Changes of several files at once, as an editor or git makes them, are taken together. */
const SETTLE_MS = 50;
const MAX_FILE_BYTES = 16 * 2 ** 20;
const MANAGER = { name: "file", operation: "Update" } as const;

interface KnownFile {
  /** As it was last taken or written; undefined before the first reading of this run. */
  text: string | undefined;
  /** Identity, size and time of the file when its text was read: the same means that nobody wrote since. */
  stamp?: string;
  /** Keys of the objects that come from it. */
  keys: Set<string>;
  problems: UserError[];
}

export function stateKey(kind: ResourceKind, object: KubeObject): string {
  return `${kind.group}/${kind.plural}/${objectKey(object)}`;
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
  #kindsChanged = false;
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
    // Everything goes on as it was; the first reading of the files then finds what people changed meanwhile.
    for (const [key, { object, file }] of this.#state.entries) {
      const kind = this.#kinds.byObject(object);
      if (!kind) continue;
      store.restore(kind, object);
      if (file === undefined) continue;
      const path = join(this.#dir, file);
      this.#origins.set(key, path);
      const known = this.#files.get(path) ?? { text: undefined, keys: new Set<string>(), problems: [] };
      this.#files.set(path, known);
      known.keys.add(key);
    }
    await this.#scan();
    this.#watcher = watch(this.#dir, { recursive: true }, (_event, name) => {
      // The journal and half-written files are nobody's edits.
      if (name === null || !(name.endsWith(".tmp") || /(^|[\\/])\./.test(name))) this.#schedule();
    });
    this.#watcher.on("error", (error) =>
      this.#log.warn("watching the resource directory failed", { dir: this.#dir, err: error }),
    );
    // A file written between the first reading and the watch.
    this.#schedule();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  put(kind: ResourceKind, object: KubeObject, old: KubeObject | undefined): void {
    const key = stateKey(kind, object);
    const origin = this.#origins.get(key);
    // Whoever deleted the file must not find it again while a finalizer holds the object.
    const wantsFile = !this.#withoutFile(kind, object) && object.metadata.deletionTimestamp === undefined;
    const hasFile = origin !== undefined || wantsFile;
    const sameContent = old !== undefined && JSON.stringify(contentOf(old)) === JSON.stringify(contentOf(object));
    // A file being read is not written back: it says already what it says.
    let path = origin;
    if (hasFile && !(origin !== undefined && (sameContent || this.#reading === origin))) {
      path = origin ?? this.#newPath(kind, object);
      this.#write(path, kind, object, old);
      this.#files.get(path)!.keys.add(key);
      this.#origins.set(key, path);
    }
    this.#state.put(key, { object, file: path && relative(this.#dir, path) });
    if (kind.kind === "CustomResourceDefinition") {
      this.#kindsChanged = true;
      this.#schedule();
    }
  }

  remove(kind: ResourceKind, object: KubeObject, version: number): void {
    const key = stateKey(kind, object);
    const path = this.#origins.get(key);
    if (path !== undefined && existsSync(path)) {
      const known = this.#files.get(path);
      const current = readFileSync(path, "utf8");
      this.#refuseBroken(path, kind, object, current);
      const text = removeFrom(current, object);
      if (text === "") {
        rmSync(path, { force: true });
        this.#files.delete(path);
      } else {
        writeFileAtomic(path, text, statSync(path).mode & 0o777);
        known?.keys.delete(key);
        if (known?.text === current) known.text = text;
      }
    }
    this.#origins.delete(key);
    this.#state.remove(key, version);
  }

  /** Brings an object's document in a file up to date, on top of what the file says at this moment. */
  #write(path: string, kind: ResourceKind, object: KubeObject, old: KubeObject | undefined): void {
    const current = existsSync(path) ? readFileSync(path, "utf8") : "";
    this.#refuseBroken(path, kind, object, current);
    const text = current === "" ? newText(object) : writeInto(current, object, old);
    const mode = kind.kind === "Secret" ? 0o600 : current === "" ? 0o644 : statSync(path).mode & 0o777;
    writeFileAtomic(path, text, mode);
    const known = this.#files.get(path);
    if (!known) this.#files.set(path, { text: current === "" ? text : undefined, keys: new Set(), problems: [] });
    // An edit that nobody has taken yet stays unknown, so that the next reading takes it.
    else if (known.text === current || current === "") known.text = text;
    else this.#schedule();
  }

  /** A text that is not YAML cannot be changed without destroying what somebody is writing there. */
  #refuseBroken(path: string, kind: ResourceKind, object: KubeObject, text: string): void {
    const problem = text === "" ? undefined : parseFile(text, relative(this.#dir, path)).problems[0];
    if (problem) {
      throw conflict(kind, object.metadata.name ?? "", `its file must be repaired first: ${problem.describe()}`);
    }
  }

  #withoutFile(kind: ResourceKind, object: KubeObject): boolean {
    // What a controller makes it makes again; namespaces nobody wrote down exist because something lives in them.
    return (
      WITHOUT_FILE.has(kind.kind) ||
      object.metadata.ownerReferences?.some(({ controller }) => controller) === true ||
      object.metadata.annotations?.["pharos.dev/implicit"] === "true"
    );
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
    // Not before everything is loaded, and not after the end.
    if (!this.#watcher) return;
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
        const { size, mtimeMs, ino } = statSync(path);
        const stamp = `${ino} ${size} ${mtimeMs}`;
        const known = this.#files.get(path);
        if (known?.text !== undefined && known.stamp === stamp) continue;
        if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
        const text = readFileSync(path, "utf8");
        if (known?.text === text) known.stamp = stamp;
        else changed.push({ path, text });
      } catch (error) {
        this.#log.warn("resource file not read", { file: path, err: error });
      }
    }
    const gone = [...this.#files.keys()].filter((path) => !present.has(path));
    const refused = changed.length + gone.length > 0 || this.#kindsChanged ? this.#refused(changed) : [];
    this.#kindsChanged = false;
    // An object that moved to another file must not be deleted on the way: additions first.
    const first = changed.filter(({ text }) =>
      /^kind:\s*["']?(Namespace|CustomResourceDefinition)["']?\s*$/m.test(text),
    );
    for (const file of [...first, ...changed.filter((file) => !first.includes(file))])
      await this.#takeFile(file.path, file.text);
    for (const path of gone) {
      const known = this.#files.get(path);
      this.#files.delete(path);
      for (const key of known?.keys ?? []) if (this.#origins.get(key) === path) await this.#forget(key);
    }
    // Their reason may be gone: the other file with the same object, or a kind nobody served.
    for (const path of refused) if (present.has(path)) await this.#takeFile(path, this.#files.get(path)!.text!);
  }

  /** Files that are good YAML and were refused all the same. */
  #refused(changed: readonly { path: string }[]): string[] {
    const fresh = new Set(changed.map(({ path }) => path));
    return [...this.#files]
      .filter(([path, { problems, text }]) => !fresh.has(path) && text !== undefined && problems.length > 0)
      .filter(([, { problems }]) => problems.every(({ code }) => code !== "kube.yaml"))
      .map(([path]) => path);
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
        const where = {
          file,
          line,
          object: `${object.kind} ${object.metadata.namespace ?? "default"}/${object.metadata.name}`,
        };
        known.problems.push(
          error instanceof UserError
            ? new UserError(error.code, error.message, { where, fix: error.fix, cause: error })
            : new UserError("kube.invalid", describeError(error), {
                where,
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
    const current = store.find(kind, namespace, name);
    this.#origins.set(key, path);
    this.#reading = path;
    try {
      if (current) {
        await store.update(kind, namespace, name, (live) => withContent(live, object), { manager: MANAGER });
      } else {
        await store.create(kind, object, { manager: MANAGER });
      }
      // Pods or nodes described by hand: their status is all there is to know about them.
      if (input.status !== undefined && !kind.custom) {
        const withStatus = (live: KubeObject): KubeObject => ({ ...live, status: input.status });
        const options = { manager: MANAGER, subresource: "status" } as const;
        if (kind.subresources.includes("status")) await store.update(kind, namespace, name, withStatus, options);
      }
      // The object may have had no file, or another one: remember this one.
      this.#state.put(key, { object: store.get(kind, namespace, name), file: relative(this.#dir, path) });
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
