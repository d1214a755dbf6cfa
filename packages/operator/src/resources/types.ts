/**
 * The parts of the monitoring.coreos.com resources that generation reads, as TypeScript. Field meanings: the CRDs' own
 * documentation. Everything is optional: validation by schema happened in the API server, not here.
 */
export * from "./alertmanager.ts";
export * from "./common.ts";
export * from "./monitors.ts";
export * from "./prometheus.ts";
export * from "./rules.ts";
export * from "./thanos-ruler.ts";
export * from "./workload.ts";
