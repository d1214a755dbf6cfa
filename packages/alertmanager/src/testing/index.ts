export * from "./http-recorder.ts";
export * from "./smtp-recorder.ts";
