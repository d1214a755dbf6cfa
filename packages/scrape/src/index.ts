export {
  type GlobalScrapeConfig,
  PROTOCOLS,
  parseGlobalScrapeConfig,
  parseScrapeConfig,
  type ScrapeConfig,
  type ScrapeDefaults,
  type ScrapeLimits,
  type ScrapeProtocol,
} from "./config.ts";
export { type ActiveTarget, ScrapeManager, type ScrapeManagerOptions } from "./manager.ts";
export { buildTarget, type DroppedTarget, type TargetSpec } from "./target.ts";
