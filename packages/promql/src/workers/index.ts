export { QueryPool, type QueryPoolOptions } from "./pool.ts";
export { portOf, type QueryMessage, type QueryPort, type QueryRequest, RemoteEngine, serveQueries } from "./port.ts";
