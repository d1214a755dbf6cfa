export { MemoryStorage, type StoredSample } from "./memory-storage.ts";
export { type PromqltestFailure, type PromqltestReport, promqltestEngine, runPromqltest } from "./run.ts";
