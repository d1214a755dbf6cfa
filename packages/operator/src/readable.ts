/**
 * Whether the program that will run can read a configuration. Pharos reads all it will run with; an upstream image reads
 * more than Pharos does, so there what Pharos does not know yet is left to it, and all the rest is read all the same.
 */
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { UserError } from "@pharos/model";
import { loadConfig } from "@pharos/prometheus";
import { parse } from "yaml";
import { toYaml } from "./prometheus/config.ts";
import type { Yaml } from "./prometheus/http-client.ts";

export type Reader = "pharos" | "upstream";

/** Sections and keys of jobs that an upstream image is trusted with. */
const SECTIONS = ["remote_write", "remote_read", "otlp", "tracing", "storage", "runtime"];
const KNOWN_DISCOVERY = new Set(["file", "http", "dns", "kubernetes"].map((name) => `${name}_sd_configs`));

/** Ways of reaching an API server other than directly with a token or certificate. */
const UNKNOWN_ACCESS = new Set([
  "basic_auth",
  "oauth2",
  "proxy_url",
  "proxy_from_environment",
  "proxy_connect_header",
  "no_proxy",
  "http_headers",
]);

function plainApiServers(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((entry: Yaml) =>
    Object.fromEntries(Object.entries(entry).filter(([key]) => !UNKNOWN_ACCESS.has(key))),
  );
}

function withoutUnknown(config: Yaml): Yaml {
  const out = Object.fromEntries(Object.entries(config).filter(([key]) => !SECTIONS.includes(key)));
  const jobs = config.scrape_configs;
  if (Array.isArray(jobs)) {
    out.scrape_configs = jobs.map((job: Yaml) =>
      Object.fromEntries(
        Object.entries(job)
          .filter(([key]) => !key.endsWith("_sd_configs") || KNOWN_DISCOVERY.has(key))
          .map(([key, value]) => [key, key === "kubernetes_sd_configs" ? plainApiServers(value) : value]),
      ),
    );
  }
  return out;
}

/** Reads, and where Pharos alone does not know something reads the rest. */
function readWith(read: (text: string) => unknown, text: string, reader: Reader, known: (config: Yaml) => Yaml): void {
  try {
    read(text);
  } catch (error) {
    if (reader !== "upstream" || !(error instanceof UserError) || !error.code.endsWith(".unsupported")) throw error;
    read(toYaml(known(parse(text) as Yaml)));
  }
}

/** Throws a UserError when Prometheus cannot read its configuration. */
export function checkReadable(text: string, reader: Reader): void {
  readWith((config) => loadConfig(config, { file: "" }), text, reader, withoutUnknown);
}

/** Throws a UserError when Alertmanager cannot read its configuration. */
export function checkAlertmanagerReadable(text: string, reader: Reader): void {
  const known = ({ tracing: _tracing, event_recorder: _recorder, ...rest }: Yaml): Yaml => rest;
  readWith((config) => loadAlertmanagerConfig(config, { file: "" }), text, reader, known);
}
