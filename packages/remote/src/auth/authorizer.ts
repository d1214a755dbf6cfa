/** Adds to a request what proves who sends it, where `http_config`'s own ways do not. */
import {
  AwsIdentity,
  azureTokens,
  googleTokens,
  HttpClient,
  type HttpClientConfig,
  signV4,
  type TokenCache,
} from "@pharos/kit";
import { certificateTokens } from "./azure-certificate.ts";
import type { AzureCloud, AzureConfig, CloudAuth, SigV4Config } from "./config.ts";

export interface OutgoingRequest {
  url: URL;
  body: Uint8Array;
  contentType: string;
}

export interface Authorizer extends AsyncDisposable {
  /** Headers to send. Throws when there are no credentials, or nobody gives a token for them. */
  headers(request: OutgoingRequest, signal: AbortSignal): Promise<Record<string, string>>;
}

/** Issuers of tokens are asked the plain way. */
const PLAIN: HttpClientConfig = {
  tls: { insecureSkipVerify: false },
  noProxy: "",
  proxyFromEnvironment: true,
  proxyHeaders: {},
  followRedirects: true,
  enableHttp2: true,
  headers: [],
};

export const AZURE: Readonly<Record<AzureCloud, { authority: string; scope: string }>> = {
  AzurePublic: { authority: "https://login.microsoftonline.com", scope: "https://monitor.azure.com//.default" },
  AzureGovernment: { authority: "https://login.microsoftonline.us", scope: "https://monitor.azure.us//.default" },
  AzureChina: { authority: "https://login.chinacloudapi.cn", scope: "https://monitor.azure.cn//.default" },
};
const GOOGLE_SCOPES = ["https://www.googleapis.com/auth/monitoring.write"];

function bearer(http: HttpClient, tokens: TokenCache): Authorizer {
  return {
    headers: async (_request, signal) => ({ authorization: `Bearer ${await tokens.get(signal)}` }),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function aws(http: HttpClient, { useFipsStsEndpoint, serviceName, ...settings }: SigV4Config): Authorizer {
  const identity = new AwsIdentity({ ...settings, useFipsSts: useFipsStsEndpoint }, http);
  return {
    headers: async ({ url, body, contentType }, signal) => {
      const region = await identity.region(signal);
      const credentials = await identity.credentials(signal);
      const request = { method: "POST", url, body, headers: { "content-type": contentType }, region, now: Date.now() };
      return signV4({ ...request, service: serviceName }, credentials);
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function azure(http: HttpClient, { cloud, identity, scope }: AzureConfig): TokenCache {
  const { authority, scope: usual } = AZURE[cloud];
  const wanted = scope || usual;
  const target = { authority, resource: wanted.replace(/\/\.default$/, ""), tenantId: "", clientId: "" };
  switch (identity.kind) {
    case "managed_identity":
      return azureTokens(http, { ...target, method: "managed-identity", clientId: identity.clientId });
    case "workload_identity": {
      const env = { ...process.env, AZURE_FEDERATED_TOKEN_FILE: identity.tokenFile };
      return azureTokens(http, { ...target, ...identity, method: "workload-identity" }, env);
    }
    case "oauth":
      return azureTokens(http, { ...target, ...identity, method: "oauth" });
    case "sdk": {
      const env = identity.tenantId ? { ...process.env, AZURE_TENANT_ID: identity.tenantId } : process.env;
      return azureTokens(http, { ...target, method: "sdk" }, env);
    }
    case "certificate":
      return certificateTokens(http, identity, authority, wanted);
  }
}

export function createAuthorizer(auth: CloudAuth): Authorizer | undefined {
  if (!auth.sigv4 && !auth.azure && !auth.googleIam) return undefined;
  const http = new HttpClient(PLAIN);
  if (auth.sigv4) return aws(http, auth.sigv4);
  if (auth.azure) return bearer(http, azure(http, auth.azure));
  return bearer(http, googleTokens(http, GOOGLE_SCOPES, { file: auth.googleIam!.credentialsFile }));
}
