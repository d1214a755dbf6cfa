export * from "./config.ts";
export * from "./relabel.ts";
