/**
 * Checks the house rules on imports: a package may import only packages that stand on a lower floor and that its own
 * package.json names; `pure` packages import nothing of Node; nobody reaches into another package's files.
 */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  pharos?: { floor: number; pure?: boolean };
}

const root = dirname(import.meta.dirname);
const folders = readdirSync(join(root, "packages")).filter((name) =>
  existsSync(join(root, "packages", name, "package.json")),
);
const manifests = new Map<string, Manifest>();
for (const folder of folders) {
  const manifest = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8")) as Manifest;
  manifests.set(manifest.name, manifest);
}

/** Static imports and re-exports, side-effect imports, and dynamic imports of a literal. */
const IMPORTS =
  /^(?:import|export)\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\}|\w+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+\w+))?)\s+from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

const problems: string[] = [];
const rootManifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
for (const folder of folders) {
  const folderPath = join(root, "packages", folder);
  const manifest = JSON.parse(readFileSync(join(folderPath, "package.json"), "utf8")) as Manifest;
  if (!manifest.pharos) {
    problems.push(`packages/${folder}/package.json: no "pharos": { "floor": N }`);
    continue;
  }
  for (const file of globSync("src/**/*.ts", { cwd: folderPath })) {
    const isTest = /\.(test|bench)\.ts$/.test(file);
    const source = readFileSync(join(folderPath, file), "utf8");
    const where = `packages/${folder}/${file}`;
    for (const [, from, effect, dynamic] of source.matchAll(IMPORTS)) {
      const name = from ?? effect ?? dynamic;
      if (name.startsWith(".")) {
        if (relative(folderPath, resolve(folderPath, dirname(file), name)).startsWith("..")) {
          problems.push(`${where}: ${name} reaches out of the package`);
        }
      } else if (name.startsWith("node:")) {
        if (manifest.pharos.pure && !isTest) problems.push(`${where}: ${name}, but ${manifest.name} is pure`);
      } else {
        const target = name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : name.split("/")[0];
        const known = {
          ...manifest.dependencies,
          ...(isTest ? { ...manifest.devDependencies, ...rootManifest.devDependencies } : {}),
        };
        if (!(target in known)) problems.push(`${where}: ${target} is not among the dependencies of ${manifest.name}`);
        const floor = manifests.get(target)?.pharos?.floor;
        if (floor !== undefined && floor >= manifest.pharos.floor) {
          problems.push(
            `${where}: ${target} stands on floor ${floor}, not below ${manifest.name} (${manifest.pharos.floor})`,
          );
        }
      }
    }
  }
}
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`floors: ${folders.length} packages import only downwards`);
