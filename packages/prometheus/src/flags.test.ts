import { parseFlags, silentLogger } from "@pharos/kit";
import { expect, test } from "vitest";
import { NO_FEATURES, readFeatures } from "./features.ts";
import { checkMode, prometheusFlags, prometheusOptions, retentionText, shownFlags } from "./flags.ts";

const options = (...argv: string[]) => {
  const { values } = parseFlags(prometheusFlags, argv);
  return prometheusOptions(values, readFeatures(values["enable-feature"], silentLogger));
};

test("defaults are Prometheus'", () => {
  expect(options("--web.listen-address=127.0.0.1:0")).toMatchObject({
    configFile: "prometheus.yml",
    storagePath: "data/",
    listen: { host: "127.0.0.1", port: 0 },
    moreListen: [],
    externalUrl: undefined,
    retention: { timeMs: 15 * 86_400_000, bytes: 0 },
    remoteWriteReceiver: undefined,
    storage: { lock: true, walCompression: "snappy", minBlockMs: 7_200_000 },
    query: { lookbackMs: 300_000, timeoutMs: 120_000, maxSamples: 50_000_000, maxConcurrency: 20 },
    rules: { outageToleranceMs: 3_600_000, forGracePeriodMs: 600_000, resendDelayMs: 60_000, maxConcurrentEvals: 1 },
    notify: { capacity: 10_000, batchSize: 256, drain: true },
    scrape: { timestampToleranceMs: 2 },
    autoReloadMs: 0,
  });
});

test("flags change what they say", () => {
  const given = options(
    "--storage.tsdb.retention.size=1GB",
    "--no-storage.tsdb.wal-compression",
    "--web.listen-address=:9090",
    "--web.listen-address=[::1]:9091",
    "--enable-feature=concurrent-rule-eval,auto-reload-config",
    "--config.auto-reload-interval=10ms",
    "--no-alertmanager.drain-notification-queue-on-shutdown",
    "--no-scrape.adjust-timestamps",
    "--web.external-url=https://example.org/prom/",
    "--web.enable-remote-write-receiver",
  );
  expect(given).toMatchObject({
    retention: { timeMs: 0, bytes: 2 ** 30 },
    storage: { walCompression: "none" },
    listen: { host: "0.0.0.0", port: 9090 },
    moreListen: [{ host: "::1", port: 9091 }],
    rules: { maxConcurrentEvals: 4 },
    autoReloadMs: 1000,
    notify: { drain: false },
    scrape: { timestampToleranceMs: 0 },
    externalUrl: "https://example.org/prom",
    remoteWriteReceiver: { versions: [1, 2] },
  });
});

test.each([
  [["--web.external-url='http://a'"], "must not begin or end with quotes"],
  [["--web.cors.origin=("], "could not compile CORS regex string"],
  [["--auto-gomemlimit.ratio=2"], "must be greater than 0 and less than or equal to 1"],
  [["--web.listen-address=nowhere"], "not an address"],
  [["--enable-feature=otlp-deltatocumulative", "--enable-feature=otlp-native-delta-ingestion"], "at the same time"],
  [["--nope"], "unknown long flag '--nope'"],
  [["--query.timeout"], "expected argument for flag '--query.timeout'"],
  [["--query.timeout=foo"], 'not a valid duration string: "foo"'],
])("refuses %j", (argv, message) => {
  expect(() => options(...argv)).toThrow(message);
});

test("flags of the other mode are named", () => {
  expect(() => checkMode(["--storage.agent.path=x", "--config.file=y"], false)).toThrow(
    'The following flag(s) can only be used in agent mode: ["--storage.agent.path"]',
  );
  expect(() => checkMode(["--storage.tsdb.path=x", "--query.timeout=1m"], true)).toThrow(
    'The following flag(s) can not be used in agent mode: ["--storage.tsdb.path" "--query.timeout"]',
  );
  expect(() => checkMode(["--storage.agent.path=x", "--web.enable-lifecycle"], true)).not.toThrow();
});

test("values are shown in their flags' own syntax", () => {
  const { values } = parseFlags(prometheusFlags, ["--storage.tsdb.retention.size=512MB", "--web.listen-address=a:1"]);
  expect(shownFlags(values)).toMatchObject({
    "query.lookback-delta": "5m",
    "storage.tsdb.retention.size": "512MiB",
    "storage.tsdb.retention.time": "0s",
    "web.enable-lifecycle": "false",
    "web.listen-address": "a:1",
    "storage.remote.read-sample-limit": "50000000",
  });
});

test("retention is told as upstream tells it", () => {
  expect(retentionText(15 * 86_400_000, 0, 0)).toBe("15d");
  expect(retentionText(3_600_000, 2 ** 29, 12.5)).toBe("1h or 512MiB or 12.5%");
});

test("an unknown feature is a warning, a known one is on", () => {
  const features = readFeatures(["nope,promql-experimental-functions", ""], silentLogger);
  expect([...features.enabled]).toEqual(["promql-experimental-functions"]);
  expect(NO_FEATURES.has("promql-experimental-functions")).toBe(false);
});
