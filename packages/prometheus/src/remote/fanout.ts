/** This server's database together with the endpoints of remote read. */
import type { Registry } from "@pharos/kit";
import { FanoutStorage } from "@pharos/remote";
import type { Db } from "@pharos/tsdb";

const DEFAULT_BLOCK_MS = 2 * 3600_000;

/** Endpoints are asked for what is older than the database surely has: two blocks after its beginning, as upstream does. */
export function createFanout(
  db: Db,
  options: { registry: Registry; version: string; storage?: { minBlockMs?: number } },
): FanoutStorage {
  const { registry, version, storage } = options;
  const margin = 2 * (storage?.minBlockMs ?? DEFAULT_BLOCK_MS);
  return new FanoutStorage({
    local: db,
    localStart: () => db.minTime + margin,
    registry,
    userAgent: `Prometheus/${version}`,
  });
}
