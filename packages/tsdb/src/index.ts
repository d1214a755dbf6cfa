export * from "./db.ts";
export type { HeadStats, NameValue, TsdbStatus } from "./status.ts";
