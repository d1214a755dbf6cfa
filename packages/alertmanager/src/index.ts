export * from "./matcher/compat.ts";
export { AlertMatcher, compareMatchers, formatMatchers, matchAll } from "./matcher/matcher.ts";
