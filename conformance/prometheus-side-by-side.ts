/**
 * The same jobs scraped by a real Prometheus and by Pharos at the same time: the same series, values, series about the scrapes,
 * and answers, up to timing. A minute, or as many seconds as `PHAROS_SIDE_SECONDS` says (`npm run long:side-by-side`: ten minutes).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseYaml } from "@pharos/kit";
import { Pair, peersFolder } from "./prometheus/pair.ts";
import { sideConfig, sideFiles } from "./prometheus/side-config.ts";
import { compareRun } from "./prometheus/side-run.ts";
import { SideTargets } from "./prometheus/side-targets.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const SHORT_SECONDS = 60;

async function run(): Promise<SuiteResult> {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const peers = peersFolder();
  if (!peers) return { ...result, notRun: "no prometheus to compare with; set PHAROS_PEERS to its folder" };
  const seconds = Number(process.env.PHAROS_SIDE_SECONDS ?? SHORT_SECONDS);
  using targets = await SideTargets.start();
  const config = sideConfig(targets.port, false);
  await using pair = await Pair.start({
    peers,
    config,
    ownConfig: sideConfig(targets.port, true),
    files: sideFiles(targets.port),
    flags: ["--enable-feature=exemplar-storage,native-histograms", "--web.external-url=http://side.example/"],
  });
  await sleep(Math.max(0, targets.startedAt * 1000 + seconds * 1000 - Date.now()));
  const jobs = parseYaml(config)
    .map()
    .get("scrape_configs")!
    .items()
    .map((job) => job.map().get("job_name")!.string());
  const ended = Math.floor(Date.now() / 1000);
  for (const { name, found } of await compareRun(pair, targets, jobs, Math.ceil(targets.startedAt), ended)) {
    result.total++;
    if (found === undefined) result.passed++;
    else result.failures.push(`${name}: ${found}`);
  }
  return result;
}

export const suites: Suite[] = [{ name: "prometheus-side-by-side", data: "prometheus", run }];
