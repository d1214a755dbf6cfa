export * from "./family.ts";
export { render } from "./render.ts";
export * from "./resources.ts";
export * from "./shard.ts";
export * from "./store.ts";
export { KeyFilter } from "./values/allow-list.ts";
export { mapLabels } from "./values/label-names.ts";
