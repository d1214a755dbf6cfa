export * from "./exporter.ts";
export { nodeExporterFlags, nodeExporterOptions } from "./flags.ts";
