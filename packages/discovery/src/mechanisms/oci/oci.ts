/** oci_sd_configs: compute instances of Oracle Cloud, in given compartments or in all that can be reached. */
import { setTimeout as sleep } from "node:timers/promises";
import { describeError, type TargetLabels } from "@pharos/model";
import { type Api, ApiStatusError, withQuery } from "../../api/client.ts";
import { Json } from "../../api/json.ts";
import { joinHostPort, prefixed, sanitize, surround } from "../../labels.ts";
import { found, refreshMechanism, type Session } from "../../refresh.ts";
import type { Settings } from "../../settings.ts";
import { type ApiKeyConfig, InstanceKey, signOci, userKey } from "./signer.ts";

const PREFIX = "__meta_oci_";
/** Below what Oracle's identity service takes: 20 a second. */
const REQUESTS_PER_SECOND = 10;
const BURST = 50;
const TRIES = 5;
const FIRST_RETRY_MS = 500;

interface OciConfig extends ApiKeyConfig {
  auth: "api_key" | "instance_principal";
  region: string;
  compartments: string[];
  port: number;
  identityEndpoint: string;
  coreEndpoint: string;
  authEndpoint: string;
}

/** The realm's domain: most regions are in the first one. */
function domainOf(region: string): string {
  if (/^us-(gov|langley|luke)-/.test(region)) return "oraclegovcloud.com";
  return region.startsWith("uk-gov-") ? "oraclegovcloud.uk" : "oraclecloud.com";
}

function parse(settings: Settings): OciConfig {
  const auth = settings.text("auth", "api_key");
  const config = {
    tenancy: settings.text("tenancy"),
    user: settings.text("user"),
    fingerprint: settings.text("fingerprint"),
    keyFile: settings.file("key_file"),
    keyPassphrase: settings.secret("key_passphrase"),
    keyPassphraseFile: settings.file("key_passphrase_file"),
    region: settings.text("region"),
    compartments: settings.texts("compartments"),
    port: settings.integer("port", 80),
  };
  const { tenancy, user, fingerprint, keyFile, keyPassphrase, keyPassphraseFile, region } = config;
  if (region === "") throw settings.fail("oci_sd: region is required");
  if (auth === "api_key") {
    if (tenancy === "") throw settings.fail("oci_sd: api_key auth requires tenancy");
    if (user === "") throw settings.fail("oci_sd: api_key auth requires user");
    if (fingerprint === "") throw settings.fail("oci_sd: api_key auth requires fingerprint");
    if (keyFile === "") throw settings.fail("oci_sd: api_key auth requires key_file");
    if (keyPassphrase && keyPassphraseFile !== "") {
      throw settings.fail("oci_sd: at most one of key_passphrase and key_passphrase_file must be configured");
    }
  } else if (auth === "instance_principal") {
    if (tenancy || user || fingerprint || keyFile || keyPassphrase || keyPassphraseFile) {
      throw settings.fail(
        "oci_sd: instance_principal auth must not have tenancy, user, fingerprint, key_file, key_passphrase, or key_passphrase_file set",
      );
    }
  } else {
    throw settings.fail(
      `oci_sd: unknown auth method ${JSON.stringify(auth)}, expected "api_key" or "instance_principal"`,
    );
  }
  const empty = config.compartments.indexOf("");
  if (empty >= 0) throw settings.fail(`oci_sd: compartments[${empty}] must not be empty`);
  if (settings.given("refresh_interval")?.duration() === 0) {
    throw settings.fail("oci_sd: refresh_interval must be positive, got 0s");
  }
  const domain = domainOf(region);
  return {
    ...config,
    auth,
    identityEndpoint: `https://identity.${region}.oci.${domain}`,
    coreEndpoint: `https://iaas.${region}.${domain}`,
    authEndpoint: `https://auth.${region}.${domain}`,
  };
}

/** Lets so many requests through at once, and so many each second after. */
class RateLimit {
  #tokens = BURST;
  #at = performance.now();

  async wait(signal: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) / 1000) * REQUESTS_PER_SECOND);
    this.#at = now;
    this.#tokens--;
    if (this.#tokens < 0) await sleep((-this.#tokens / REQUESTS_PER_SECOND) * 1000, undefined, { signal });
  }
}

class Oci {
  readonly #config: OciConfig;
  readonly #session: Session;
  readonly #api: Api;
  readonly #limit = new RateLimit();
  readonly #instanceKey: InstanceKey;

  constructor(config: OciConfig, session: Session) {
    this.#config = config;
    this.#session = session;
    this.#api = session.api;
    this.#instanceKey = new InstanceKey(session.api, config.authEndpoint);
  }

  async tenancy(): Promise<string> {
    return (await this.#key()).tenancy;
  }

  /** The tenancy and all active compartments below it; what may not be listed is left out. */
  async compartments(root: string): Promise<string[]> {
    if (this.#config.compartments.length > 0) return this.#config.compartments;
    const all = new Set([root]);
    for (const current of all) {
      const query = { compartmentId: current, accessLevel: "ACCESSIBLE", compartmentIdInSubtree: "false" };
      try {
        for (const child of await this.#pages(`${this.#config.identityEndpoint}/20160918/compartments`, query)) {
          if (child.text("id") !== "" && child.text("lifecycleState") === "ACTIVE") all.add(child.text("id"));
        }
      } catch (error) {
        if (this.#session.signal.aborted) throw error;
        this.#session.log.warn("cannot list child compartments, skipping them", {
          compartment: current,
          err: describeError(error),
        });
      }
    }
    return [...all];
  }

  instances(compartmentId: string): Promise<Json[]> {
    return this.#pages(`${this.#config.coreEndpoint}/20160918/instances`, { compartmentId });
  }

  /** The instance's first network card; undefined when none is attached. */
  async primaryVnic(instance: Json): Promise<Json | undefined> {
    const base = `${this.#config.coreEndpoint}/20160918`;
    const query = { compartmentId: instance.text("compartmentId"), instanceId: instance.text("id") };
    for (const attachment of await this.#pages(`${base}/vnicAttachments`, query)) {
      const id = attachment.text("vnicId");
      if (id === "" || attachment.text("lifecycleState") !== "ATTACHED") continue;
      const { body } = await this.#get(`${base}/vnics/${encodeURIComponent(id)}`);
      const vnic = Json.parse(body.toString("utf8"));
      if (vnic.flag("isPrimary")) return vnic;
    }
    return undefined;
  }

  async #pages(url: string, query: Record<string, string>): Promise<Json[]> {
    const out: Json[] = [];
    let page: string | undefined;
    do {
      const { headers, body } = await this.#get(withQuery(url, { ...query, limit: "100", page }));
      out.push(...Json.parse(body.toString("utf8")).items());
      page = headers["opc-next-page"] === undefined ? undefined : String(headers["opc-next-page"]);
    } while (page);
    return out;
  }

  #key() {
    return this.#config.auth === "api_key" ? userKey(this.#config) : this.#instanceKey.get();
  }

  /** A signed request; tried again when the service is overloaded. */
  async #get(text: string) {
    const { signal } = this.#session;
    const url = new URL(text);
    for (let tries = 1; ; tries++) {
      await this.#limit.wait(signal);
      try {
        const headers = signOci(await this.#key(), { method: "GET", url, now: Date.now() });
        return await this.#api.get(text, { headers });
      } catch (error) {
        const busy = error instanceof ApiStatusError && (error.status === 429 || error.status >= 500);
        if (!busy || tries >= TRIES) throw error;
        await sleep(FIRST_RETRY_MS * 2 ** tries * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  }
}

/** Defined tags are texts, numbers or booleans; what else there is has no label. */
function tagText(value: unknown): string | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value).toString() : String(value);
  return typeof value === "string" || typeof value === "boolean" ? String(value) : undefined;
}

/** Labels of an instance; none when its card has no address. */
export function instanceLabels(instance: Json, vnic: Json, tenancy: string, port: number): TargetLabels[] {
  const ipv6 = vnic.texts("ipv6Addresses").sort();
  const privateIp = vnic.text("privateIp");
  const publicIp = vnic.text("publicIp");
  const address = privateIp || publicIp || ipv6[0];
  if (!address) return [];
  const labels: TargetLabels = {
    __address__: joinHostPort(address, port),
    [`${PREFIX}instance_id`]: instance.text("id"),
    [`${PREFIX}instance_name`]: instance.text("displayName"),
    [`${PREFIX}instance_state`]: instance.text("lifecycleState"),
    [`${PREFIX}instance_shape`]: instance.text("shape"),
    [`${PREFIX}availability_domain`]: instance.text("availabilityDomain"),
    [`${PREFIX}fault_domain`]: instance.text("faultDomain"),
    [`${PREFIX}region`]: instance.text("region"),
    [`${PREFIX}tenancy_id`]: tenancy,
    [`${PREFIX}compartment_id`]: instance.text("compartmentId"),
    [`${PREFIX}image_id`]: instance.text("imageId"),
    [`${PREFIX}vnic_id`]: vnic.text("id"),
    [`${PREFIX}private_ip`]: privateIp,
    [`${PREFIX}public_ip`]: publicIp,
    [`${PREFIX}hostname_label`]: vnic.text("hostnameLabel"),
    [`${PREFIX}ipv6_addresses`]: ipv6.length === 0 ? "" : surround(ipv6),
    ...prefixed(`${PREFIX}tag_`, instance.textMap("freeformTags")),
  };
  for (const [namespace, tags] of instance.entries("definedTags")) {
    for (const [key, { value }] of tags.entries()) {
      const text = tagText(value);
      if (text !== undefined) labels[`${PREFIX}defined_tag_${sanitize(namespace)}_${sanitize(key)}`] = text;
    }
  }
  return [labels];
}

export const ociMechanism = refreshMechanism<OciConfig>({
  name: "oci",
  things: "instances",
  parse,
  place: ({ region, compartments }) =>
    `Oracle Cloud (region ${region}, ${compartments.length === 0 ? "all" : compartments.length} compartments)`,
  open(config, session) {
    const oci = new Oci(config, session);
    return async () => {
      const tenancy = await oci.tenancy();
      const targets: TargetLabels[] = [];
      let seen = 0;
      for (const compartment of await oci.compartments(tenancy)) {
        for (const instance of await oci.instances(compartment)) {
          seen++;
          if (instance.text("id") === "" || instance.text("compartmentId") === "") continue;
          try {
            const vnic = await oci.primaryVnic(instance);
            if (vnic) targets.push(...instanceLabels(instance, vnic, tenancy, config.port));
          } catch (error) {
            if (session.signal.aborted) throw error;
            session.log.warn("cannot find the network card of an instance, skipping it", {
              instance: instance.text("id"),
              err: describeError(error),
            });
          }
        }
      }
      return found("OCI", targets, seen);
    };
  },
});
