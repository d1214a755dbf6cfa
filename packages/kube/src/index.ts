export * from "./client/index.ts";
export * from "./selector.ts";
export * from "./server/api-server.ts";
export type { Admission } from "./server/store.ts";
