/** What runs here, as /version, /status/buildinfo and prometheus_build_info tell it. */
import type { Registry } from "@pharos/kit";

/** Upstream's fields. What a program run from its sources has no answer to is empty. */
export function buildInfo(version: string): Record<string, string> {
  return {
    version,
    revision: "",
    branch: "",
    buildUser: "",
    buildDate: "",
    // Grafana and others read the field; the value says truly what runs here.
    goVersion: `node ${process.version}`,
  };
}

export function registerBuildInfo(registry: Registry, version: string): void {
  const { revision, branch, goVersion } = buildInfo(version);
  registry
    .gauge(
      "prometheus_build_info",
      "A metric with a constant '1' value labeled by version, revision, branch, goversion from which prometheus was built, and the goos and goarch for the build.",
      ["branch", "goarch", "goos", "goversion", "revision", "tags", "version"],
    )
    .labels(branch, process.arch, process.platform, goVersion, revision, "", version)
    .set(1);
}
