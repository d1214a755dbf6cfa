export { type PoolRequest, QueryPool, type QueryPoolOptions } from "./pool.ts";
export {
  portOf,
  type QueryMessage,
  type QueryPort,
  type QueryRequest,
  type QueryWorker,
  RemoteEngine,
  serveQueries,
} from "./port.ts";
