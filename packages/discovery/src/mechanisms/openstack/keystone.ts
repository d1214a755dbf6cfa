/** OpenStack's identity service, version 3: a token, and the endpoints of the other services. */
import type { Secret } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { Api } from "../../api/client.ts";
import { Json } from "../../api/json.ts";

export interface KeystoneConfig {
  /** "": everything about the identity is taken from the environment, as OpenStack's own tools do. */
  identityEndpoint: string;
  username: string;
  userId: string;
  password: Secret | undefined;
  projectName: string;
  projectId: string;
  domainName: string;
  domainId: string;
  applicationCredentialName: string;
  applicationCredentialId: string;
  applicationCredentialSecret: Secret | undefined;
  region: string;
  availability: "public" | "internal" | "admin";
}

/** Plain texts; "" is what is not given. */
interface Identity {
  endpoint: string;
  username: string;
  userId: string;
  password: string;
  projectName: string;
  projectId: string;
  domainName: string;
  domainId: string;
  credentialName: string;
  credentialId: string;
  credentialSecret: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

function fromEnvironment(env: Environment): Identity {
  const endpoint = env.OS_AUTH_URL ?? "";
  if (endpoint === "") {
    throw new UserError("discovery.config", "no identity_endpoint is given and OS_AUTH_URL is not set", {
      fix: "Give identity_endpoint and the credentials, or set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and so on",
    });
  }
  return {
    endpoint,
    username: env.OS_USERNAME ?? "",
    userId: env.OS_USERID ?? env.OS_USER_ID ?? "",
    password: env.OS_PASSWORD ?? "",
    projectName: env.OS_PROJECT_NAME ?? env.OS_TENANT_NAME ?? "",
    projectId: env.OS_PROJECT_ID ?? env.OS_TENANT_ID ?? "",
    domainName: env.OS_DOMAIN_NAME ?? env.OS_USER_DOMAIN_NAME ?? env.OS_PROJECT_DOMAIN_NAME ?? "",
    domainId: env.OS_DOMAIN_ID ?? env.OS_USER_DOMAIN_ID ?? env.OS_PROJECT_DOMAIN_ID ?? "",
    credentialName: env.OS_APPLICATION_CREDENTIAL_NAME ?? "",
    credentialId: env.OS_APPLICATION_CREDENTIAL_ID ?? "",
    credentialSecret: env.OS_APPLICATION_CREDENTIAL_SECRET ?? "",
  };
}

function identityOf(config: KeystoneConfig, env: Environment): Identity {
  if (config.identityEndpoint === "") return fromEnvironment(env);
  return {
    endpoint: config.identityEndpoint,
    username: config.username,
    userId: config.userId,
    password: config.password?.reveal() ?? "",
    projectName: config.projectName,
    projectId: config.projectId,
    domainName: config.domainName,
    domainId: config.domainId,
    credentialName: config.applicationCredentialName,
    credentialId: config.applicationCredentialId,
    credentialSecret: config.applicationCredentialSecret?.reveal() ?? "",
  };
}

/** The body of a request for a token. */
function authRequest(identity: Identity): object {
  const { username, userId, password, projectName, projectId, domainName, domainId } = identity;
  const { credentialName, credentialId, credentialSecret } = identity;
  const domain = domainId !== "" ? { id: domainId } : domainName !== "" ? { name: domainName } : undefined;
  const user = userId !== "" ? { id: userId } : { name: username, domain };
  if (credentialId !== "" || credentialName !== "") {
    const which = credentialId !== "" ? { id: credentialId } : { name: credentialName, user };
    const method = { ...which, secret: credentialSecret };
    // The credential has its project with it.
    return { auth: { identity: { methods: ["application_credential"], application_credential: method } } };
  }
  const scope =
    projectId !== ""
      ? { project: { id: projectId } }
      : projectName !== ""
        ? { project: { name: projectName, domain } }
        : undefined;
  return { auth: { identity: { methods: ["password"], password: { user: { ...user, password } } }, scope } };
}

export class OpenStackSession {
  readonly #api: Api;
  readonly #config: KeystoneConfig;
  readonly #token: string;
  readonly #catalog: readonly Json[];

  private constructor(api: Api, config: KeystoneConfig, token: string, catalog: readonly Json[]) {
    this.#api = api;
    this.#config = config;
    this.#token = token;
    this.#catalog = catalog;
  }

  /** Throws a UserError when the identity is not taken. */
  static async open(api: Api, config: KeystoneConfig, env: Environment = process.env): Promise<OpenStackSession> {
    const identity = identityOf(config, env);
    const endpoint = identity.endpoint.replace(/\/+$/, "");
    if (/\/v2\.0$/.test(endpoint)) {
      throw new UserError("discovery.config", "version 2 of OpenStack's identity service is not supported", {
        fix: "Give the endpoint of version 3, which ends in /v3",
      });
    }
    const base = /\/v3$/.test(endpoint) ? endpoint : `${endpoint}/v3`;
    try {
      const { headers, body } = await api.get(`${base}/auth/tokens`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(authRequest(identity)),
      });
      const answer = Json.parse(body.toString("utf8"));
      return new OpenStackSession(
        api,
        config,
        String(headers["x-subject-token"] ?? ""),
        answer.items("token", "catalog"),
      );
    } catch (error) {
      throw new UserError("discovery.status", `could not authenticate to OpenStack: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** All items of a list of a service, page after page. */
  async list(type: string, path: string, key: string): Promise<Json[]> {
    const out: Json[] = [];
    let url = `${this.#endpoint(type)}${path}`;
    while (url !== "") {
      const page = await this.#api.json(url, { headers: { "x-auth-token": this.#token } });
      out.push(...page.items(key));
      const next = page.items(`${key}_links`).find((link) => link.text("rel") === "next");
      url = next?.text("href") ?? "";
    }
    return out;
  }

  /** With a slash at its end. */
  #endpoint(type: string): string {
    const { region, availability } = this.#config;
    const endpoint = this.#catalog
      .filter((service) => service.text("type") === type)
      .flatMap((service) => service.items("endpoints"))
      .find(
        (one) =>
          one.text("interface") === availability && (one.text("region") === region || one.text("region_id") === region),
      );
    if (!endpoint) {
      throw new UserError(
        "discovery.answer",
        `OpenStack's catalog has no ${availability} endpoint of a ${type} service in region ${region}`,
      );
    }
    return `${endpoint.text("url").replace(/\/+$/, "")}/`;
  }
}
