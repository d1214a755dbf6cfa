import manifest from "../package.json" with { type: "json" };

/** Version of Pharos. */
export const VERSION: string = manifest.version;

/** Version of Prometheus whose behaviour this one has; clients such as Grafana decide by it what they may use. */
export const PROMETHEUS_VERSION = "3.14.0";
