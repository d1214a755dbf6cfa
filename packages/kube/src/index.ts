export * from "./client/client.ts";
export type { ClientTarget, Credentials, TlsOptions } from "./client/config.ts";
export * from "./client/informer.ts";
export * from "./selector.ts";
export * from "./server/api-server.ts";
export type { Admission } from "./server/store.ts";
export * from "./types.ts";
