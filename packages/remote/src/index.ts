export * from "./write-receiver.ts";
export * from "./write-request.ts";
