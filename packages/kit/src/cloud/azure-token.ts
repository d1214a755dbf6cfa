/**
 * Tokens of Microsoft Entra: by a client's secret, by the managed identity of a machine or an app service, by a
 * Kubernetes workload identity, or by whichever of them the environment has (`sdk`; the Azure CLI is not asked).
 */
import { readFileSync } from "node:fs";
import { UserError } from "@pharos/model";
import type { Secret } from "../client/config.ts";
import type { HttpClient } from "../client/http-client.ts";
import { type BearerToken, formRequest, requestToken, TokenCache } from "./token-cache.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type AzureMethod = "oauth" | "managed-identity" | "workload-identity" | "sdk";

export interface AzureIdentity {
  method: AzureMethod;
  /** As in `https://login.microsoftonline.com`. */
  authority: string;
  tenantId: string;
  clientId: string;
  clientSecret?: Secret;
  /** What the token is for, as in `https://management.azure.com/`. */
  resource: string;
}

const MACHINE_ENDPOINT = "http://169.254.169.254/metadata/identity/oauth2/token";
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** A source of tokens for a resource. */
export function azureTokens(client: HttpClient, identity: AzureIdentity, env: Environment = process.env): TokenCache {
  return new TokenCache((signal) => new Asking(client, identity, env, signal).token());
}

class Asking {
  readonly #client: HttpClient;
  readonly #identity: AzureIdentity;
  readonly #env: Environment;
  readonly #signal: AbortSignal | undefined;

  constructor(client: HttpClient, identity: AzureIdentity, env: Environment, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#identity = identity;
    this.#env = env;
    this.#signal = signal;
  }

  token(): Promise<BearerToken> {
    const { method, tenantId, clientId, clientSecret } = this.#identity;
    const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE } = this.#env;
    switch (method) {
      case "oauth":
        return this.#bySecret(tenantId, clientId, clientSecret?.reveal() ?? "");
      case "workload-identity":
        return this.#byWorkload();
      case "managed-identity":
        return this.#byMachine(clientId);
      case "sdk":
        if (AZURE_CLIENT_ID && AZURE_CLIENT_SECRET && AZURE_TENANT_ID) {
          return this.#bySecret(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET);
        }
        if (AZURE_FEDERATED_TOKEN_FILE) return this.#byWorkload();
        return this.#byMachine(AZURE_CLIENT_ID ?? "");
    }
  }

  #ask(authority: string, tenant: string, form: Record<string, string>): Promise<BearerToken> {
    const url = `${authority.replace(/\/$/, "")}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`;
    const scope = `${this.#identity.resource}/.default`;
    return requestToken(
      this.#client,
      url,
      formRequest({ grant_type: "client_credentials", scope, ...form }, this.#signal),
    );
  }

  #bySecret(tenant: string, clientId: string, secret: string): Promise<BearerToken> {
    return this.#ask(this.#identity.authority, tenant, { client_id: clientId, client_secret: secret });
  }

  #byWorkload(): Promise<BearerToken> {
    const env = this.#env;
    const file = env.AZURE_FEDERATED_TOKEN_FILE;
    const tenant = this.#identity.tenantId || env.AZURE_TENANT_ID;
    const clientId = this.#identity.clientId || env.AZURE_CLIENT_ID;
    if (!file || !tenant || !clientId) {
      throw new UserError("kit.azure", "no workload identity is configured", {
        fix: "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, as its webhook does",
      });
    }
    return this.#ask(env.AZURE_AUTHORITY_HOST || this.#identity.authority, tenant, {
      client_id: clientId,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: readFileSync(file, "utf8").trim(),
    });
  }

  #byMachine(clientId: string): Promise<BearerToken> {
    const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header } = this.#env;
    const query = new URLSearchParams({ resource: this.#identity.resource });
    if (clientId !== "") query.set("client_id", clientId);
    query.set("api-version", endpoint && header ? "2019-08-01" : "2018-02-01");
    const base = endpoint && header ? endpoint : MACHINE_ENDPOINT;
    return requestToken(this.#client, `${base}?${query}`, {
      headers: endpoint && header ? { "x-identity-header": header } : { metadata: "true" },
      signal: this.#signal,
    });
  }
}
