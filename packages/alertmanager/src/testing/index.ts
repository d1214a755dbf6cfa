export * from "./certificate.ts";
export * from "./connect-proxy.ts";
export * from "./deliver.ts";
export * from "./http-recorder.ts";
export * from "./smtp-recorder.ts";
