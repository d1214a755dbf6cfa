/** An image as an archive in OCI's layout (image-spec 1.1), which every container tool loads and every registry takes. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Entry } from "./root.ts";
import { tar } from "./tar.ts";

export interface ImageOptions {
  /** Reference in the archive's index, such as `pharos:0.1.0`. */
  name: string;
  version: string;
  /** As Go names it: amd64, arm64. */
  architecture: string;
  entrypoint: readonly string[];
  env: readonly string[];
}

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The archive, from layers that lie upon each other in this order. The same input gives the same bytes. */
export function ociArchive(layers: readonly (readonly Entry[])[], options: ImageOptions): Buffer {
  const blobs = new Map<string, Buffer>();
  const put = (mediaType: string, data: Buffer) => {
    const digest = sha256(data);
    blobs.set(digest, data);
    return { mediaType, digest: `sha256:${digest}`, size: data.length };
  };
  const diffIds: string[] = [];
  const layerDescriptors = layers.map((entries) => {
    const plain = tar(entries);
    diffIds.push(`sha256:${sha256(plain)}`);
    return put("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(plain, { level: 6 }));
  });
  const labels = {
    "org.opencontainers.image.title": "pharos",
    "org.opencontainers.image.version": options.version,
    "org.opencontainers.image.licenses": "Apache-2.0",
  };
  const config = put(
    "application/vnd.oci.image.config.v1+json",
    json({
      architecture: options.architecture,
      os: "linux",
      config: {
        User: "65534:65534",
        WorkingDir: "/data",
        Entrypoint: options.entrypoint,
        Env: options.env,
        Labels: labels,
      },
      rootfs: { type: "layers", diff_ids: diffIds },
      history: layers.map(() => ({ created: "1970-01-01T00:00:00Z", created_by: "npm run image" })),
      created: "1970-01-01T00:00:00Z",
    }),
  );
  const manifest = put(
    "application/vnd.oci.image.manifest.v1+json",
    json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config,
      layers: layerDescriptors,
      annotations: labels,
    }),
  );
  const index = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      {
        ...manifest,
        platform: { architecture: options.architecture, os: "linux" },
        annotations: { "org.opencontainers.image.ref.name": options.name, "io.containerd.image.name": options.name },
      },
    ],
  });
  return tar([
    ...archiveFile("oci-layout", json({ imageLayoutVersion: "1.0.0" })),
    ...archiveFile("index.json", index),
    { path: "blobs", mode: 0o755 },
    { path: "blobs/sha256", mode: 0o755 },
    ...[...blobs].flatMap(([digest, data]) => archiveFile(`blobs/sha256/${digest}`, data)),
  ]);
}

function archiveFile(path: string, data: Buffer): Entry[] {
  return [{ path, mode: 0o644, file: { data } }];
}
