/**
 * npm run image [-- --output FILE] [--name NAME]: the container image as an OCI archive, without a daemon and without a base
 * image. Load it with `podman load -i`, `ctr image import`, `kind load image-archive`, or copy it with skopeo or crane.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { ociArchive } from "./image/oci.ts";
import { programEntries, systemEntries } from "./image/root.ts";

const root = dirname(import.meta.dirname);

const { version } = JSON.parse(readFileSync(`${root}/packages/pharos/package.json`, "utf8")) as { version: string };
const { values } = parseArgs({
  options: {
    output: { type: "string", default: "pharos-image.tar" },
    name: { type: "string", default: `pharos:${version}` },
  },
});
if (process.platform !== "linux") throw new Error("the image holds this machine's Node: make it on Linux");
const archive = ociArchive([systemEntries(process.execPath), programEntries(root)], {
  name: values.name,
  version,
  architecture: process.arch === "x64" ? "amd64" : process.arch,
  // As scripts/launch.mjs starts it.
  entrypoint: [
    "/usr/bin/node",
    "--disable-warning=ExperimentalWarning",
    "--max-semi-space-size=8",
    "--heap-growing-percent=20",
    "/pharos/packages/pharos/src/main.ts",
  ],
  env: ["PATH=/usr/bin", "UV_THREADPOOL_SIZE=8"],
});
writeFileSync(values.output, archive);
console.log(`${values.output}: ${values.name}, ${(archive.length / 2 ** 20).toFixed(0)} MiB`);
