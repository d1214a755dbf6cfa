/** The part of the app that knows no browser: dashboards, frames, units, times, variables. */
export * from "./dashboard/layout.ts";
export * from "./dashboard/load.ts";
export * from "./dashboard/types.ts";
export * from "./json.ts";
export * from "./time.ts";
export * from "./units.ts";
export * from "./vars/interpolate.ts";
export * from "./vars/variables.ts";
