/**
 * Scrape classes: authentication, TLS, relabelling and more that monitors share by naming a class, or get from the
 * default one. What a monitor's endpoint says itself wins.
 */
import { UserError } from "@pharos/model";
import type { HttpClientConfig, ScrapeClass, TlsConfig } from "../resources/types.ts";
import type { GenerationScope } from "./scope.ts";

/** The class by name, else the default one, else none. A name without a class is the monitor's mistake. */
export function scrapeClassOf(name: string | undefined, { prometheus }: GenerationScope): ScrapeClass | undefined {
  const classes = prometheus.spec.scrapeClasses ?? [];
  if (!name) return classes.find((entry) => entry.default);
  const found = classes.find((entry) => entry.name === name);
  if (!found) {
    throw new UserError("operator.invalid", `scrape class ${JSON.stringify(name)} does not exist`, {
      where: { field: "spec.scrapeClass" },
      fix: `Classes of Prometheus ${prometheus.metadata.name}: ${classes.map((entry) => entry.name).join(", ") || "none"}`,
    });
  }
  return found;
}

function mergeTls(own: TlsConfig | undefined, shared: TlsConfig | undefined): TlsConfig | undefined {
  if (!shared) return own;
  if (!own) return shared;
  const merged: TlsConfig = { ...own };
  // Certificate and key belong together: taken from the class only as a pair's missing halves.
  if (!own.caFile && !own.ca) {
    merged.caFile = shared.caFile;
    merged.ca = shared.ca;
  }
  if (!own.certFile && !own.cert) {
    merged.certFile = shared.certFile;
    merged.cert = shared.cert;
  }
  if (!own.keyFile && !own.keySecret) {
    merged.keyFile = shared.keyFile;
    merged.keySecret = shared.keySecret;
  }
  return merged;
}

/** Client settings of an endpoint with those of its class behind them. */
export function withScrapeClass<T extends HttpClientConfig>(endpoint: T, shared: ScrapeClass | undefined): T {
  if (!shared) return endpoint;
  const merged: T = { ...endpoint, tlsConfig: mergeTls(endpoint.tlsConfig, shared.tlsConfig) };
  const authenticates =
    endpoint.authorization ||
    endpoint.basicAuth ||
    endpoint.oauth2 ||
    endpoint.bearerTokenFile ||
    endpoint.bearerTokenSecret?.name;
  if (!authenticates && shared.authorization) merged.authorization = shared.authorization;
  return merged;
}
