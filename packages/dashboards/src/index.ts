export type { Datasource } from "./proxy.ts";
export * from "./server.ts";
export * from "./store.ts";
