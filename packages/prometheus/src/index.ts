export * from "./config/config.ts";
export * from "./facts.ts";
export * from "./options.ts";
export * from "./server.ts";
