export * from "./facts.ts";
export * from "./flow.ts";
export { monitorOf } from "./scrape-nodes.ts";
