/** The client alone, without the embedded API server and its schemas. */
export * from "../types.ts";
export * from "./client.ts";
export type { ClientTarget, Credentials, TlsOptions } from "./config.ts";
export * from "./informer.ts";
