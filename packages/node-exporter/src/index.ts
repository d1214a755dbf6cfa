export * from "./exporter.ts";
export { nodeExporterFlags, nodeExporterOptions } from "./flags.ts";
export { VERSION as NODE_EXPORTER_VERSION } from "./self.ts";
