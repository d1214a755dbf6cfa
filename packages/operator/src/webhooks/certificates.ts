/**
 * Certificates of the webhooks' Service, made here and kept in a Secret, renewed long before they end. Whoever calls the
 * webhooks learns the authority from `caBundle`, which is written into every configuration that names the Service. A new
 * authority is announced together with the old one.
 */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { type Logger, writeFileAtomic } from "@pharos/kit";
import { type KubeClient, KubeError, type KubeObject, type ResourceType } from "@pharos/kube";
import { SECRETS } from "../kinds.ts";
import { issueCertificate } from "./x509.ts";

const admission = (plural: string): ResourceType => ({
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural,
  namespaced: false,
});
export const VALIDATING = admission("validatingwebhookconfigurations");
export const MUTATING = admission("mutatingwebhookconfigurations");
export const CRDS: ResourceType = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  namespaced: false,
};
const CONVERTED = "alertmanagerconfigs.monitoring.coreos.com";

const DAY = 86_400_000;
const LIFE = { authority: 3650 * DAY, server: 365 * DAY };
/** What is left of a life when it is renewed. */
const RENEWAL = { authority: 730 * DAY, server: 90 * DAY };
const CHECK_MS = 3_600_000;
const AUTHORITY = "pharos-operator-webhooks";

/** Everything of the Secret, PEM. `bundle`: the authorities to be trusted, newest first. */
export interface WebhookMaterial {
  authority: string;
  authorityKey: string;
  bundle: string;
  cert: string;
  key: string;
}

interface ServiceRef {
  namespace: string;
  name: string;
}

function endOf(pem: string): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return 0;
  }
}

function isFor(cert: string, dnsNames: readonly string[]): boolean {
  return dnsNames.every((name) => new X509Certificate(cert).checkHost(name) !== undefined);
}

function fromAuthority(cert: string, authority: string): boolean {
  const issuer = new X509Certificate(authority);
  return new X509Certificate(cert).verify(issuer.publicKey);
}

/** What there is, or what takes its place at `now`, in Unix ms. The same object when nothing has to change. */
export function renew(known: WebhookMaterial | undefined, dnsNames: readonly string[], now: number): WebhookMaterial {
  const keepsAuthority = known && endOf(known.authority) - now > RENEWAL.authority;
  const keepsServer =
    keepsAuthority &&
    endOf(known.cert) - now > RENEWAL.server &&
    isFor(known.cert, dnsNames) &&
    fromAuthority(known.cert, known.authority);
  if (keepsServer) return known;
  // Clocks of callers may be behind.
  const notBefore = now - DAY;
  let material = known;
  if (!material || !keepsAuthority) {
    const made = issueCertificate({ commonName: AUTHORITY, dnsNames: [], notBefore, notAfter: now + LIFE.authority });
    const old = known && endOf(known.authority) > now ? known.authority : "";
    material = { authority: made.cert, authorityKey: made.key, bundle: made.cert + old, cert: "", key: "" };
  }
  const issuer = { commonName: AUTHORITY, key: material.authorityKey };
  const notAfter = Math.min(now + LIFE.server, endOf(material.authority));
  return { ...material, ...issueCertificate({ commonName: dnsNames[0], dnsNames, notBefore, notAfter, issuer }) };
}

const KEYS = {
  authority: "ca.crt",
  authorityKey: "ca.key",
  bundle: "bundle.crt",
  cert: "tls.crt",
  key: "tls.key",
} as const;
type Entries = [keyof WebhookMaterial, string][];
const entries = Object.entries(KEYS) as Entries;

function read(secret: KubeObject & { data?: Record<string, string> }): WebhookMaterial | undefined {
  const { data = {} } = secret;
  if (entries.some(([, key]) => !data[key])) return undefined;
  return Object.fromEntries(
    entries.map(([field, key]) => [field, Buffer.from(data[key], "base64").toString("utf8")]),
  ) as unknown as WebhookMaterial;
}

export interface WebhookCertificatesOptions {
  client: KubeClient;
  log: Logger;
  /** The Service callers reach the webhooks at; the Secret is `<name>-webhook-tls` beside it. */
  service: ServiceRef;
  /** Where tls.crt and tls.key are written for the server. */
  dir: string;
}

export class WebhookCertificates implements AsyncDisposable {
  readonly #options: WebhookCertificatesOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: WebhookCertificatesOptions) {
    this.#options = options;
  }

  /** Files and bundles as they should be; from then on looked at every hour. The first time must succeed. */
  async start(): Promise<void> {
    await this.ensure();
    this.#timer = setInterval(() => {
      this.#running = this.ensure().catch((error: unknown) => {
        this.#options.log.warn("certificates of the webhooks not looked at, trying again", { err: error });
      });
    }, CHECK_MS);
    this.#timer.unref();
  }

  async ensure(now = Date.now()): Promise<void> {
    const material = await this.#material(now);
    writeFileAtomic(join(this.#options.dir, "tls.key"), material.key, 0o600);
    writeFileAtomic(join(this.#options.dir, "tls.crt"), material.cert, 0o644);
    await this.#announce(Buffer.from(material.bundle).toString("base64"));
  }

  async #material(now: number): Promise<WebhookMaterial> {
    const { client, log, service } = this.#options;
    const { namespace } = service;
    const name = `${service.name}-webhook-tls`;
    const host = `${service.name}.${namespace}.svc`;
    const dnsNames = [host, `${host}.cluster.local`];
    for (;;) {
      const secret = await client.get<KubeObject>(SECRETS, { namespace, name }).catch((error: unknown) => {
        if (error instanceof KubeError && error.code === 404) return undefined;
        throw error;
      });
      const known = secret && read(secret);
      const material = renew(known, dnsNames, now);
      if (material === known) return material;
      const data = Object.fromEntries(
        entries.map(([field, key]) => [key, Buffer.from(material[field]).toString("base64")]),
      );
      const metadata = { ...secret?.metadata, namespace, name };
      const wanted = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data } as KubeObject;
      try {
        if (secret) await client.replace(SECRETS, wanted);
        else await client.create(SECRETS, wanted);
        log.info("certificate of the webhooks made", { secret: `${namespace}/${name}` });
        return material;
      } catch (error) {
        // Another operator was faster: what it made is taken.
        if (!(error instanceof KubeError) || error.code !== 409) throw error;
      }
    }
  }

  /** Configurations that name the Service get the bundle. */
  async #announce(caBundle: string): Promise<void> {
    const { client } = this.#options;
    for (const type of [VALIDATING, MUTATING]) {
      const { items } = await client.list<KubeObject & { webhooks?: { clientConfig?: ClientConfig }[] }>(type);
      for (const { metadata, webhooks = [] } of items) {
        const patch = webhooks.flatMap(({ clientConfig }, i) =>
          this.#isOurs(clientConfig) && clientConfig?.caBundle !== caBundle
            ? [{ op: "add", path: `/webhooks/${i}/clientConfig/caBundle`, value: caBundle }]
            : [],
        );
        if (patch.length > 0) await client.patch(type, { name: metadata.name ?? "", type: "json" }, patch);
      }
    }
    await this.#announceConversion(caBundle);
  }

  async #announceConversion(caBundle: string): Promise<void> {
    const { client } = this.#options;
    const crd = await client.get<KubeObject>(CRDS, { name: CONVERTED }).catch((error: unknown) => {
      if (error instanceof KubeError && error.code === 404) return undefined;
      throw error;
    });
    const spec = crd?.spec as { conversion?: { webhook?: { clientConfig?: ClientConfig } } } | undefined;
    const clientConfig = spec?.conversion?.webhook?.clientConfig;
    if (!this.#isOurs(clientConfig) || clientConfig?.caBundle === caBundle) return;
    const conversion = { webhook: { clientConfig: { caBundle } } };
    await client.patch(CRDS, { name: CONVERTED }, { spec: { conversion } });
  }

  #isOurs(config: ClientConfig | undefined): boolean {
    const { service } = this.#options;
    return config?.service?.name === service.name && config.service.namespace === service.namespace;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}

interface ClientConfig {
  service?: ServiceRef;
  caBundle?: string;
}
