/** The names that --enable-feature takes, and what each does here. */
import type { Logger } from "@pharos/kit";
import { UserError } from "@pharos/model";

export interface Features {
  /** Names given that are known, those without effect included. */
  readonly enabled: ReadonlySet<string>;
  has(name: FeatureName): boolean;
}

/** What becomes of a name: a feature of its own, always on, or nothing that could be switched here. */
interface Feature {
  /** Logged when it is given. */
  note: string;
  /** Said as a warning: the name changes nothing. */
  noEffect?: true;
}

const always = (what: string): Feature => ({ note: `${what} Pharos does so always.`, noEffect: true });
const never = (what: string): Feature => ({ note: `${what} It has no effect in Pharos.`, noEffect: true });

const FEATURES = {
  "auto-reload-config": { note: "Automatic reload of the configuration enabled. Use --config.auto-reload instead." },
  "concurrent-rule-eval": { note: "Experimental concurrent rule evaluation enabled." },
  "created-timestamp-zero-ingestion": { note: "Experimental start timestamp zero ingestion enabled." },
  "delayed-compaction": never("Compactions are spread by an own thread."),
  "exemplar-storage": always("Exemplars are stored."),
  "extra-scrape-metrics": { note: "Set extra_scrape_metrics in the configuration instead." },
  "fast-startup": always("Scraping starts while the log is read."),
  "histograms-st-encoding": { note: "Experimental ST-capable histogram chunk encoding enabled." },
  "memory-snapshot-on-shutdown": { note: "Experimental memory snapshot on shutdown enabled." },
  "metadata-wal-records": always("Metadata is stored."),
  "native-histograms": never("Set scrape_native_histograms in the configuration instead."),
  "old-ui": never("There is one user interface."),
  "ooo-native-histograms": always("Late native histograms are taken."),
  "otlp-deltatocumulative": { note: "Converting delta OTLP metrics to cumulative." },
  "otlp-native-delta-ingestion": { note: "Delta OTLP metrics are stored as they are." },
  "promql-binop-fill-modifiers": { note: "Experimental PromQL binary operator fill modifiers enabled." },
  "promql-delayed-name-removal": { note: "Experimental PromQL delayed name removal enabled." },
  "promql-duration-expr": always("Durations may be expressions."),
  "promql-experimental-functions": { note: "Experimental PromQL functions enabled." },
  "promql-extended-range-selectors": { note: "Experimental PromQL extended range selectors enabled." },
  "promql-per-step-stats": always("stats=all has the statistics of each step."),
  "search-api": { note: "Experimental search API enabled." },
  "st-storage": { note: "Experimental start timestamp storage enabled." },
  "st-synthesis": never("Start timestamps are not synthesised."),
  "type-and-unit-labels": { note: "Experimental type and unit labels enabled." },
  "use-start-timestamps": { note: "Experimental usage of start timestamps in PromQL enabled." },
  "use-uncached-io": never("Files are written through the cache of the system."),
  "xor2-encoding": { note: "Set storage.tsdb.chunk_encoding.floats in the configuration instead." },
} as const satisfies Record<string, Feature>;

export type FeatureName = keyof typeof FEATURES;

/** Reads the values of the flag, each a list with commas. An unknown name is a warning, as with Prometheus. */
export function readFeatures(values: readonly string[], log: Logger): Features {
  const enabled = new Set<string>();
  for (const name of values.flatMap((value) => value.split(","))) {
    if (name === "") continue;
    if (!Object.hasOwn(FEATURES, name)) {
      log.warn("Unknown option for --enable-feature", { option: name });
      continue;
    }
    enabled.add(name);
    const { note, noEffect }: Feature = FEATURES[name as FeatureName];
    if (noEffect) log.warn(note, { option: name });
    else log.info(note, { option: name });
  }
  if (enabled.has("otlp-deltatocumulative") && enabled.has("otlp-native-delta-ingestion")) {
    throw new UserError(
      "prometheus.feature",
      "cannot enable otlp-deltatocumulative and otlp-native-delta-ingestion features at the same time",
      { where: { flag: "--enable-feature" }, fix: "Leave one of them out" },
    );
  }
  return { enabled, has: (name) => enabled.has(name) };
}

export const NO_FEATURES: Features = { enabled: new Set(), has: () => false };

export const FEATURE_NAMES: readonly string[] = Object.keys(FEATURES);
