/** stackit_sd_configs: servers of a STACKIT project. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { formRequest, requestToken, type Secret, signJwt, TokenCache } from "@pharos/kit";
import { type TargetLabels, UserError } from "@pharos/model";
import type { Api } from "../api/client.ts";
import { Json } from "../api/json.ts";
import { joinHostPort, sanitize } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_stackit_";
const TOKEN_URL = "https://service-account.api.stackit.cloud/token";
const ASSERTION_SECONDS = 600;

interface StackitConfig {
  project: string;
  port: number;
  endpoint: string;
  tokenUrl: string;
  serviceAccountKey: Secret | undefined;
  privateKey: Secret | undefined;
  serviceAccountKeyPath: string;
  privateKeyPath: string;
  credentialsFilePath: string;
}

/** Tokens by a service account's key; undefined: the HTTP client's own authentication is used. */
function keyTokens(api: Api, config: StackitConfig): TokenCache | undefined {
  const { serviceAccountKey, serviceAccountKeyPath, privateKey, privateKeyPath, credentialsFilePath, tokenUrl } =
    config;
  if (!serviceAccountKey && serviceAccountKeyPath === "") return undefined;
  return new TokenCache((signal) => {
    const account = Json.parse(serviceAccountKey?.reveal() ?? readFileSync(serviceAccountKeyPath, "utf8"));
    const credentials = account.get("credentials");
    const stored = (key: string): string =>
      credentialsFilePath === "" ? "" : Json.parse(readFileSync(credentialsFilePath, "utf8")).text(key);
    const keyFile = privateKeyPath || stored("STACKIT_PRIVATE_KEY_PATH");
    const key =
      privateKey?.reveal() ??
      (keyFile !== ""
        ? readFileSync(keyFile, "utf8")
        : credentials.text("privateKey") || stored("STACKIT_PRIVATE_KEY"));
    if (key === "") {
      throw new UserError("discovery.config", "the STACKIT service account key has no private key", {
        fix: "Give private_key or private_key_path",
      });
    }
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: credentials.text("iss"),
      sub: credentials.text("sub"),
      aud: credentials.text("aud"),
      jti: randomUUID(),
      iat: now,
      exp: now + ASSERTION_SECONDS,
    };
    const assertion = signJwt("RS512", { kid: credentials.text("kid") }, claims, key);
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion };
    return requestToken(api.http, tokenUrl, formRequest(form, signal));
  });
}

function serverLabels(server: Json, project: string, port: number): TargetLabels[] {
  const labels: TargetLabels = {
    [`${PREFIX}project`]: project,
    [`${PREFIX}id`]: server.text("id"),
    [`${PREFIX}name`]: server.text("name"),
    [`${PREFIX}availability_zone`]: server.text("availabilityZone"),
    [`${PREFIX}status`]: server.text("status"),
    [`${PREFIX}power_status`]: server.text("powerStatus"),
    [`${PREFIX}type`]: server.text("machineType"),
  };
  let publicIp = "";
  let address = "";
  for (const nic of server.items("nics")) {
    const own = nic.text("ipv4");
    if (publicIp === "" && nic.text("publicIp") !== "") publicIp = address = nic.text("publicIp");
    if (own === "") continue;
    labels[`${PREFIX}private_ipv4_${sanitize(nic.text("networkName"))}`] = own;
    address ||= own;
  }
  if (address === "") return [];
  if (publicIp !== "") labels[`${PREFIX}public_ipv4`] = publicIp;
  for (const [key, { value }] of server.entries("labels")) {
    if (typeof value !== "string") continue;
    labels[`${PREFIX}labelpresent_${sanitize(key)}`] = "true";
    labels[`${PREFIX}label_${sanitize(key)}`] = value;
  }
  return [{ ...labels, __address__: joinHostPort(address, port) }];
}

export const stackitMechanism = refreshMechanism({
  name: "stackit",
  things: "servers",
  parse(settings): StackitConfig {
    const region = settings.text("region", "eu01");
    const endpoint = settings.text("endpoint");
    if (endpoint === "" && region === "") throw settings.fail("stackit_sd: endpoint and region missing");
    if (endpoint !== "" && !URL.canParse(endpoint)) {
      throw settings.fail(`stackit_sd: invalid endpoint ${JSON.stringify(endpoint)}`);
    }
    return {
      project: settings.text("project"),
      port: settings.integer("port", 80),
      endpoint: endpoint || `https://iaas.api.${region}.stackit.cloud`,
      tokenUrl: TOKEN_URL,
      serviceAccountKey: settings.secret("service_account_key"),
      privateKey: settings.secret("private_key"),
      // Not joined with the configuration's folder, as upstream has it.
      serviceAccountKeyPath: settings.text("service_account_key_path"),
      privateKeyPath: settings.text("private_key_path"),
      credentialsFilePath: settings.text("credentials_file_path"),
    };
  },
  place: ({ endpoint, project }) => `${endpoint} (project ${project})`,
  open(config, { api, signal }) {
    const { endpoint, project, port } = config;
    const tokens = keyTokens(api, config);
    const url = `${endpoint.replace(/\/$/, "")}/v1/projects/${encodeURIComponent(project)}/servers?details=true`;
    return async () => {
      const headers: Record<string, string> = tokens ? { authorization: `Bearer ${await tokens.get(signal)}` } : {};
      const servers = (await api.json(url, { headers })).items("items");
      return found(
        "stackit",
        servers.flatMap((server) => serverLabels(server, project, port)),
        servers.length,
      );
    };
  },
});
