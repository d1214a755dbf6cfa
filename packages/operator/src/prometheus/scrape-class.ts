/**
 * Scrape classes: authentication, TLS, relabelling and more that monitors share by naming a class, or get from the
 * default one. What a monitor's endpoint says itself wins.
 */
import { UserError } from "@pharos/model";
import type { Authorization, HttpClientConfig, SecretOrConfigMap, TlsConfig } from "../resources/common.ts";
import type { ScrapeClass } from "../resources/prometheus.ts";
import type { AttachMetadata } from "./discovery.ts";
import type { GenerationScope } from "./scope.ts";
import { needsNodeMetadata } from "./sharding.ts";

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

function isEmpty(value: object): boolean {
  return Object.values(value).every((field) => field === undefined || field === "");
}

/** Of a class, only its files complete what a monitor says itself. */
function mergeTls(own: TlsConfig | undefined, shared: TlsConfig | undefined): TlsConfig | undefined {
  if (!own || isEmpty(own)) return shared ?? own;
  if (!shared) return own;
  const has = (reference: SecretOrConfigMap | undefined): boolean => Boolean(reference?.secret ?? reference?.configMap);
  return {
    ...own,
    caFile: own.caFile || (has(own.ca) ? undefined : shared.caFile),
    certFile: own.certFile || (has(own.cert) ? undefined : shared.certFile),
    keyFile: own.keyFile || (own.keySecret ? undefined : shared.keyFile),
  };
}

function mergeAuthorization(own: Authorization | undefined, shared: Authorization | undefined) {
  if (!own || isEmpty(own)) return shared ?? own;
  if (!shared || own.credentials || own.credentialsFile) return own;
  return { ...own, credentials: shared.credentials, credentialsFile: shared.credentialsFile };
}

/** Client settings of an endpoint with those of its class behind them. */
export function withScrapeClass<T extends HttpClientConfig>(endpoint: T, shared: ScrapeClass | undefined): T {
  if (!shared) return endpoint;
  // The class' authorization beside another kind of authentication would be refused by Prometheus.
  const authenticates =
    endpoint.basicAuth || endpoint.oauth2 || endpoint.bearerTokenFile || endpoint.bearerTokenSecret?.name;
  return {
    ...endpoint,
    tlsConfig: mergeTls(endpoint.tlsConfig, shared.tlsConfig),
    authorization: authenticates
      ? endpoint.authorization
      : mergeAuthorization(endpoint.authorization, shared.authorization),
  };
}

/** Node metadata as the monitor or its class asks, or as sharding by zone needs it. */
export function attachMetadata(
  wish: { node?: boolean } | undefined,
  scope: GenerationScope,
  since: string,
): AttachMetadata | undefined {
  if (needsNodeMetadata(scope)) return { node: true, since };
  return wish && { node: wish.node ?? false, since };
}
