/** Ways to authenticate that only remote write has: AWS' signatures, Microsoft Entra and Google's service accounts. */
import { resolveFile, Secret, type YamlMap, type YamlNode } from "@pharos/kit";
import type { UserError } from "@pharos/model";

export interface SigV4Config {
  region: string;
  accessKey: string;
  secretKey: Secret;
  profile: string;
  roleArn: string;
  externalId: string;
  useFipsStsEndpoint: boolean;
  serviceName: string;
}

export const AZURE_CLOUDS = ["AzurePublic", "AzureGovernment", "AzureChina"] as const;
export type AzureCloud = (typeof AZURE_CLOUDS)[number];

/** Who asks Microsoft Entra for tokens, and how that is proved. */
export type AzureIdentity =
  | { kind: "managed_identity"; clientId: string }
  | { kind: "workload_identity"; clientId: string; tenantId: string; tokenFile: string }
  | { kind: "oauth"; clientId: string; clientSecret: Secret; tenantId: string }
  | { kind: "sdk"; tenantId: string }
  | {
      kind: "certificate";
      clientId: string;
      tenantId: string;
      path: string;
      keyPath: string;
      password: Secret;
      sendChain: boolean;
    };

export interface AzureConfig {
  cloud: AzureCloud;
  identity: AzureIdentity;
  /** "" asks for the cloud's own. */
  scope: string;
}

export interface GoogleIamConfig {
  credentialsFile: string;
}

export interface CloudAuth {
  sigv4?: SigV4Config;
  azure?: AzureConfig;
  googleIam?: GoogleIamConfig;
}

const CODE = "remote.auth";
const fault = (node: YamlNode, message: string): UserError => node.error(message, { code: CODE });
const text = (map: YamlMap, key: string): string => map.get(key)?.string() ?? "";

export function parseSigV4(node: YamlNode): SigV4Config {
  const map = node.map();
  const config: SigV4Config = {
    region: text(map, "region"),
    accessKey: text(map, "access_key"),
    secretKey: new Secret(text(map, "secret_key")),
    profile: text(map, "profile"),
    roleArn: text(map, "role_arn"),
    externalId: text(map, "external_id"),
    useFipsStsEndpoint: map.get("use_fips_sts_endpoint")?.boolean() ?? false,
    serviceName: text(map, "service_name") || "aps",
  };
  map.done("sigv4.plain");
  if ((config.accessKey === "") !== (config.secretKey.reveal() === "")) {
    throw fault(
      node,
      "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config",
    );
  }
  return config;
}

/** As Go's uuid.Parse takes them: plain, in braces, as urn:uuid:, or without dashes. */
function isUuid(value: string): boolean {
  const bare = value.replace(/^urn:uuid:/i, "").replace(/^\{(.*)\}$/, "$1");
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(bare) || /^[0-9a-f]{32}$/i.test(value);
}

/** Needed keys of each kind, and what it is called in complaints. Ids of tenants that are checked must be UUIDs. */
const KINDS = {
  managed_identity: { title: "Managed Identity", needed: [], uuids: [] },
  workload_identity: {
    title: "Workload Identity",
    needed: ["client_id", "tenant_id"],
    uuids: ["client_id", "tenant_id"],
  },
  oauth: { title: "OAuth", needed: ["client_id", "client_secret", "tenant_id"], uuids: ["client_id"] },
  sdk: { title: "SDK", needed: [], uuids: [] },
  certificate: { title: "Certificate", needed: ["client_id", "tenant_id", "certificate_path"], uuids: ["client_id"] },
} as const satisfies Record<AzureIdentity["kind"], unknown>;

const DEFAULT_TOKEN_FILE = "/var/run/secrets/azure/tokens/azure-identity-token";

function readIdentity(kind: AzureIdentity["kind"], node: YamlNode): AzureIdentity {
  const map = node.map();
  const get = (key: string): string => text(map, key);
  const ids = { clientId: get("client_id"), tenantId: kind === "managed_identity" ? "" : get("tenant_id") };
  const identity = ((): AzureIdentity => {
    switch (kind) {
      case "managed_identity":
        return { kind, clientId: ids.clientId };
      case "workload_identity": {
        const tokenFile = get("token_file_path") || process.env.AZURE_FEDERATED_TOKEN_FILE || DEFAULT_TOKEN_FILE;
        return { kind, ...ids, tokenFile };
      }
      case "oauth":
        return { kind, ...ids, clientSecret: new Secret(get("client_secret")) };
      case "sdk":
        return { kind, tenantId: ids.tenantId };
      case "certificate":
        return {
          kind,
          ...ids,
          path: get("certificate_path"),
          keyPath: get("certificate_key_path"),
          password: new Secret(get("certificate_password")),
          sendChain: map.get("send_certificate_chain")?.boolean() ?? false,
        };
    }
  })();
  map.done(`azuread.${KINDS[kind].title.replace(" ", "")}Config`);
  const { title, needed, uuids } = KINDS[kind];
  for (const key of needed) {
    if (get(key) === "") throw fault(node, `must provide an Azure ${title} ${key} in the Azure AD config`);
  }
  for (const key of kind === "managed_identity" && ids.clientId !== "" ? ["client_id"] : uuids) {
    if (!isUuid(get(key))) throw fault(node, `the provided Azure ${title} ${key} is invalid`);
  }
  return identity;
}

export function parseAzure(node: YamlNode): AzureConfig {
  const map = node.map();
  const cloud = text(map, "cloud") || "AzurePublic";
  const scope = text(map, "scope");
  const given = (Object.keys(KINDS) as AzureIdentity["kind"][]).flatMap((kind) => {
    const entry = map.get(kind);
    return entry && !entry.isNull ? [{ kind, entry }] : [];
  });
  map.done("azuread.plain");
  const known = AZURE_CLOUDS.find((name) => name === cloud);
  if (!known) throw fault(node, "must provide a cloud in the Azure AD config");
  if (given.length === 0) {
    throw fault(
      node,
      "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth, Azure Certificate or Azure SDK in the Azure AD config",
    );
  }
  if (given.length > 1) throw fault(node, "cannot provide multiple authentication methods in the Azure AD config");
  const identity = readIdentity(given[0].kind, given[0].entry);
  if (scope !== "" && !/^[\w\s:/.-]+$/.test(scope)) {
    throw fault(node, "the provided scope contains invalid characters");
  }
  return { cloud: known, identity, scope };
}

export function parseGoogleIam(node: YamlNode): GoogleIamConfig {
  const map = node.map();
  const config = { credentialsFile: resolveFile(map.get("credentials_file")) ?? "" };
  map.done("googleiam.Config");
  return config;
}
