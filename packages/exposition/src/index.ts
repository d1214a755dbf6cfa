export * from "./encode.ts";
export * from "./family.ts";
export * from "./negotiate.ts";
export * from "./number.ts";
export * from "./read-text.ts";
