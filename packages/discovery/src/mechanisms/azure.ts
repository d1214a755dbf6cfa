/** azure_sd_configs: virtual machines of a subscription, those of scale sets among them. */
import { type AzureMethod, azureTokens } from "@pharos/kit";
import { type TargetLabels, UserError } from "@pharos/model";
import { type Api, ApiStatusError } from "../api/client.ts";
import type { Json } from "../api/json.ts";
import { inParallel } from "../api/parallel.ts";
import { joinHostPort, prefixed } from "../labels.ts";
import { found, refreshMechanism, type Session } from "../refresh.ts";
import type { Settings } from "../settings.ts";

const PREFIX = "__meta_azure_";
const METHODS: Readonly<Record<string, AzureMethod>> = {
  OAuth: "oauth",
  ManagedIdentity: "managed-identity",
  SDK: "sdk",
  WorkloadIdentity: "workload-identity",
};
const COMPUTE_VERSION = "2023-03-01";
const NETWORK_VERSION = "2023-05-01";
/** Network interfaces asked for at once. */
const CONCURRENCY = 16;
const CACHED_INTERFACES = 5_000;

interface Cloud {
  authority: string;
  endpoint: string;
  resource: string;
}
const PUBLIC: Cloud = {
  authority: "https://login.microsoftonline.com",
  endpoint: "https://management.azure.com",
  // With its slash, so that the scope has two: as Azure's own clients ask.
  resource: "https://management.core.windows.net/",
};
const CHINA: Cloud = {
  authority: "https://login.chinacloudapi.cn",
  endpoint: "https://management.chinacloudapi.cn",
  resource: "https://management.core.chinacloudapi.cn",
};
const GOVERNMENT: Cloud = {
  authority: "https://login.microsoftonline.us",
  endpoint: "https://management.usgovcloudapi.net",
  resource: "https://management.core.usgovcloudapi.net",
};
const CLOUDS: Readonly<Record<string, Cloud>> = {
  AZURECHINACLOUD: CHINA,
  AZURECLOUD: PUBLIC,
  AZUREGERMANCLOUD: PUBLIC,
  AZUREPUBLICCLOUD: PUBLIC,
  AZUREUSGOVERNMENT: GOVERNMENT,
  AZUREUSGOVERNMENTCLOUD: GOVERNMENT,
};

type AzureConfig = ReturnType<typeof parse>;

function parse(settings: Settings) {
  const method = settings.text("authentication_method", "OAuth");
  const environment = settings.text("environment", "AzurePublicCloud");
  const config = {
    port: settings.integer("port", 80),
    subscriptionId: settings.text("subscription_id"),
    tenantId: settings.text("tenant_id"),
    clientId: settings.text("client_id"),
    clientSecret: settings.secret("client_secret"),
    resourceGroup: settings.text("resource_group"),
  };
  const requires = (what: string) => settings.fail(`azure SD configuration requires a ${what}`);
  if (config.subscriptionId === "") throw requires("subscription_id");
  if (method === "OAuth") {
    if (config.tenantId === "") throw requires("tenant_id");
    if (config.clientId === "") throw requires("client_id");
    if (!config.clientSecret) throw requires("client_secret");
  }
  if (!Object.hasOwn(METHODS, method)) {
    throw settings.fail(
      `unknown authentication_type ${JSON.stringify(method)}. Supported types are "OAuth", "ManagedIdentity", "SDK" or "WorkloadIdentity"`,
    );
  }
  const cloud = CLOUDS[environment.toUpperCase()] as Cloud | undefined;
  return { ...config, method: METHODS[method], environment, ...(cloud ?? { ...PUBLIC, endpoint: "" }) };
}

/** Part of a resource's id after a name: `…/resourceGroups/GROUP/…`. */
function partOf(id: string, name: string): string {
  const parts = id.split("/");
  const at = parts.findIndex((part) => part.toLowerCase() === name.toLowerCase());
  if (!id.startsWith("/") || at < 0 || !parts[at + 1]) {
    throw new UserError("discovery.answer", `invalid ID '${id}': it has no ${name}`);
  }
  return parts[at + 1];
}

interface Machine {
  json: Json;
  /** Of a scale set; both "" for others. */
  scaleSet: string;
  instanceId: string;
}

class Azure {
  readonly #config: AzureConfig & { refreshInterval: number };
  readonly #session: Session;
  readonly #api: Api;
  readonly #tokens: ReturnType<typeof azureTokens>;
  readonly #interfaces = new Map<string, { json: Json; until: number }>();

  constructor(config: AzureConfig & { refreshInterval: number }, session: Session) {
    if (config.endpoint === "") {
      throw new UserError(
        "discovery.config",
        `there is no cloud configuration matching the name ${JSON.stringify(config.environment.toUpperCase())}`,
        { fix: `Use one of ${Object.keys(CLOUDS).join(", ")}` },
      );
    }
    this.#config = config;
    this.#session = session;
    this.#api = session.api;
    this.#tokens = azureTokens(session.api.http, config);
  }

  async machines(): Promise<Machine[]> {
    const { subscriptionId, resourceGroup } = this.#config;
    const group = resourceGroup === "" ? "" : `/resourceGroups/${encodeURIComponent(resourceGroup)}`;
    const compute = `/subscriptions/${subscriptionId}${group}/providers/Microsoft.Compute`;
    const machines = (await this.#pages(`${compute}/virtualMachines`)).map(
      (json): Machine => ({ json, scaleSet: "", instanceId: "" }),
    );
    for (const set of await this.#pages(`${compute}/virtualMachineScaleSets`)) {
      const name = set.text("name");
      const own = encodeURIComponent(partOf(set.text("id"), "resourceGroups"));
      const path = `/subscriptions/${subscriptionId}/resourceGroups/${own}/providers/Microsoft.Compute/virtualMachineScaleSets/${encodeURIComponent(name)}/virtualMachines`;
      for (const json of await this.#pages(path)) {
        machines.push({ json, scaleSet: name, instanceId: json.text("instanceId") });
      }
    }
    return machines;
  }

  /** Labels of a machine; undefined when it is not allocated. */
  async labels({ json, scaleSet, instanceId }: Machine): Promise<TargetLabels | undefined> {
    const { subscriptionId, tenantId, port } = this.#config;
    const id = json.text("id");
    const properties = json.get("properties");
    const labels: TargetLabels = {
      [`${PREFIX}subscription_id`]: subscriptionId,
      [`${PREFIX}tenant_id`]: tenantId,
      [`${PREFIX}machine_id`]: id,
      [`${PREFIX}machine_name`]: json.text("name"),
      [`${PREFIX}machine_computer_name`]: properties.text("osProfile", "computerName"),
      [`${PREFIX}machine_os_type`]: properties.text("storageProfile", "osDisk", "osType"),
      [`${PREFIX}machine_location`]: json.text("location"),
      [`${PREFIX}machine_resource_group`]: partOf(id, "resourceGroups"),
      [`${PREFIX}machine_size`]: properties.text("hardwareProfile", "vmSize"),
      ...(scaleSet !== "" && { [`${PREFIX}machine_scale_set`]: scaleSet }),
      ...prefixed(`${PREFIX}machine_tag_`, json.textMap("tags")),
    };
    for (const reference of properties.items("networkProfile", "networkInterfaces")) {
      const card = await this.#interface(reference.text("id"), scaleSet, instanceId);
      if (!card) return undefined;
      const own = card.get("properties");
      if (!own.exists) continue;
      // Machines that are not allocated lack this.
      if (!own.get("primary").exists) return undefined;
      const [first] = own.flag("primary") ? own.items("ipConfigurations") : [];
      if (!first) continue;
      const publicIp = first.text("properties", "publicIPAddress", "properties", "ipAddress");
      if (publicIp !== "") labels[`${PREFIX}machine_public_ip`] = publicIp;
      const privateIp = first.text("properties", "privateIPAddress");
      if (privateIp === "") {
        throw new UserError("discovery.answer", `unable to find a private IP for VM ${json.text("name")}`);
      }
      return { ...labels, [`${PREFIX}machine_private_ip`]: privateIp, __address__: joinHostPort(privateIp, port) };
    }
    return undefined;
  }

  async #get(url: string): Promise<Json> {
    const authorization = `Bearer ${await this.#tokens.get(this.#session.signal)}`;
    return this.#api.json(url, { headers: { authorization } });
  }

  async #pages(path: string): Promise<Json[]> {
    const out: Json[] = [];
    let url = `${this.#config.endpoint}${path}?api-version=${COMPUTE_VERSION}`;
    while (url !== "") {
      const page = await this.#get(url);
      out.push(...page.items("value"));
      url = page.text("nextLink");
    }
    return out;
  }

  /** A network interface, kept for some refreshes; undefined when there is none of that id. */
  async #interface(id: string, scaleSet: string, instanceId: string): Promise<Json | undefined> {
    const known = this.#interfaces.get(id);
    if (known && known.until > Date.now()) {
      this.#session.metrics.azureCacheHits.inc();
      return known.json;
    }
    const { endpoint, subscriptionId } = this.#config;
    const group = encodeURIComponent(partOf(id, "resourceGroups"));
    const name = encodeURIComponent(partOf(id, "networkInterfaces"));
    const base = `${endpoint}/subscriptions/${subscriptionId}/resourceGroups/${group}/providers`;
    const path =
      scaleSet === ""
        ? `Microsoft.Network/networkInterfaces/${name}`
        : `microsoft.Compute/virtualMachineScaleSets/${encodeURIComponent(scaleSet)}/virtualMachines/${instanceId}/networkInterfaces/${name}`;
    const version = scaleSet === "" ? NETWORK_VERSION : "2018-10-01";
    try {
      const json = await this.#get(`${base}/${path}?$expand=IPConfigurations/PublicIPAddress&api-version=${version}`);
      this.#keep(id, json);
      return json;
    } catch (error) {
      if (!(error instanceof ApiStatusError) || error.status !== 404) throw error;
      this.#session.log.warn("network interface does not exist", { id });
      return undefined;
    }
  }

  #keep(id: string, json: Json): void {
    // Not all at once: the next time they are asked for is spread.
    const lifetime = this.#config.refreshInterval * (10 + Math.random() * 3);
    this.#interfaces.delete(id);
    this.#interfaces.set(id, { json, until: Date.now() + lifetime });
    for (const oldest of this.#interfaces.keys()) {
      if (this.#interfaces.size <= CACHED_INTERFACES) break;
      this.#interfaces.delete(oldest);
    }
  }
}

export const azureMechanism = refreshMechanism({
  name: "azure",
  refreshInterval: 300_000,
  things: "virtual machines",
  parse,
  place: ({ subscriptionId, resourceGroup }) =>
    `Azure subscription ${subscriptionId}${resourceGroup === "" ? "" : `, resource group ${resourceGroup}`}`,
  open(config, session) {
    const azure = new Azure(config, session);
    return async () => {
      try {
        const machines = await azure.machines();
        const labels = await inParallel(machines, CONCURRENCY, (machine) => azure.labels(machine));
        const targets = labels.filter((one) => one !== undefined);
        return found("", targets, machines.length);
      } catch (error) {
        session.metrics.azureFailures.inc();
        throw error;
      }
    };
  },
});
