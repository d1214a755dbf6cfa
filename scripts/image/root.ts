/**
 * What is in the image: the pinned Node with the libraries it is linked to, the sources as Node runs them, the built UI, the
 * definitions of the resources, and the packages that are needed at run time. Nothing else: no shell, no package manager.
 */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export interface Entry {
  /** Path in the image, without a leading slash. */
  path: string;
  mode: number;
  /** Contents of a file, or where a link points to; neither for a folder. */
  file?: { from: string } | { text: string } | { data: Buffer };
  link?: string;
}

/** Left out of packages: what only people and compilers read. */
const NOT_AT_RUN_TIME = /(\.test\.ts|\.bench\.ts|\.long\.ts|\.d\.[cm]?ts|\.map|\.md|\.markdown|\.flow)$/;
const NOT_AT_RUN_TIME_FOLDERS = new Set([
  "test",
  "tests",
  "__tests__",
  "testing",
  "fuzz",
  "docs",
  "example",
  "examples",
  ".github",
]);

function folderEntries(from: string, to: string, skip: (path: string) => boolean): Entry[] {
  const out: Entry[] = [{ path: to, mode: 0o755 }];
  for (const name of readdirSync(from).sort()) {
    const source = join(from, name);
    const path = `${to}/${name}`;
    if (skip(source)) continue;
    const stat = lstatSync(source);
    if (stat.isDirectory()) out.push(...folderEntries(source, path, skip));
    else if (stat.isFile()) out.push({ path, mode: stat.mode & 0o111 ? 0o755 : 0o644, file: { from: source } });
  }
  return out;
}

const isUnneeded = (path: string): boolean => {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return NOT_AT_RUN_TIME.test(name) || NOT_AT_RUN_TIME_FOLDERS.has(name);
};

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** Folder of a package as code in `folder` would find it. */
function findPackage(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, "node_modules", name);
    if (existsSync(candidate)) return candidate;
    if (at === dirname(at)) return undefined;
  }
}

/** Folders of all packages that the program needs, ours among them. */
export function runtimePackages(start: string): Set<string> {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    ) as Manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const at = findPackage(folder, name);
      if (at) visit(realpathSync(at));
      else if (!optionalDependencies?.[name]) throw new Error(`${folder} needs ${name}, which is not installed`);
    }
  };
  visit(start);
  return found;
}

/** Files of the libraries a program is linked to, as the loader names them; the loader is one of them. */
function sharedLibraries(program: string): string[] {
  return execFileSync("ldd", [program], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

/** Folders above the entries, each once and before what is in it. */
function withParents(entries: readonly Entry[]): Entry[] {
  const out = new Map<string, Entry>();
  for (const entry of entries) {
    const parts = entry.path.split("/");
    for (let i = 1; i < parts.length; i++) {
      const path = parts.slice(0, i).join("/");
      if (!out.has(path)) out.set(path, { path, mode: 0o755 });
    }
    if (!out.has(entry.path) || entry.file || entry.link) out.set(entry.path, entry);
  }
  return [...out.values()];
}

const NOBODY = 65_534;

/** Node, its libraries, and what they expect of a system. */
export function systemEntries(node: string): Entry[] {
  return withParents([
    { path: "etc/passwd", mode: 0o644, file: { text: `nobody:x:${NOBODY}:${NOBODY}:nobody:/:/sbin/nologin\n` } },
    { path: "etc/group", mode: 0o644, file: { text: `nobody:x:${NOBODY}:\n` } },
    { path: "etc/nsswitch.conf", mode: 0o644, file: { text: "hosts: files dns\n" } },
    { path: "tmp", mode: 0o1777 },
    { path: "data", mode: 0o777 },
    ...sharedLibraries(node).map((path) => ({
      path: path.slice(1),
      mode: 0o755,
      file: { from: realpathSync(path) },
    })),
    { path: "usr/bin/node", mode: 0o755, file: { from: realpathSync(node) } },
  ]);
}

/** The program below `pharos/`, folders as in the repository. */
export function programEntries(root: string): Entry[] {
  const entries: Entry[] = [{ path: "pharos/package.json", mode: 0o644, file: { from: join(root, "package.json") } }];
  for (const folder of [...runtimePackages(join(root, "packages/pharos"))].sort()) {
    const path = relative(root, folder);
    const own = path.startsWith("packages/");
    // Nested packages are found by themselves, as far as they are needed.
    const skip = (source: string): boolean => isUnneeded(source) || source.endsWith("/node_modules");
    entries.push(...folderEntries(folder, `pharos/${path}`, skip));
    if (own) {
      const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string };
      if (name.startsWith("@pharos/"))
        entries.push({ path: `pharos/node_modules/${name}`, mode: 0o777, link: `../../${path}` });
    }
  }
  const dashboards = [join(root, "ui/dist"), join(root, "deploy/crds")];
  for (const folder of dashboards)
    entries.push(...folderEntries(folder, `pharos/${relative(root, folder)}`, () => false));
  return withParents(entries);
}
