/** Where a client connects and as whom. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { HttpClient, type HttpClientConfig, parseYaml } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type ExecPlugin, execCredentials } from "./exec-plugin.ts";

export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

export interface Credentials {
  tls?: TlsOptions;
  /**
   * Value of the Authorization header, asked for at every request, because tokens rotate. `renew`: the last one was
   * refused.
   */
  authorization?: (renew: boolean) => string | undefined | Promise<string | undefined>;
  /** Connects and authenticates instead of the two above. */
  http?: HttpClient;
  /** Namespace meant when none is named. */
  namespace?: string;
}

export type ClientTarget =
  | { server: string; token?: string; tls?: TlsOptions }
  /** With Prometheus' HTTP client options: any authentication, proxies, headers; files are read as they change. */
  | { server: string; http: HttpClientConfig }
  /** Its current context, or the named one; "" takes $KUBECONFIG or ~/.kube/config. `server` replaces the context's. */
  | { kubeconfigFile: string; context?: string; server?: string }
  | { inCluster: true };

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export function resolveTarget(target: ClientTarget): { server: string; credentials: Credentials } {
  if ("kubeconfigFile" in target) {
    const found = fromKubeconfig(findKubeconfig(target.kubeconfigFile), target.context);
    return target.server === undefined ? found : { ...found, server: target.server };
  }
  if ("inCluster" in target) return inCluster();
  if ("http" in target) return { server: target.server, credentials: { http: new HttpClient(target.http) } };
  const { server, token, tls } = target;
  return { server, credentials: { tls, authorization: token === undefined ? undefined : () => `Bearer ${token}` } };
}

function inCluster(): { server: string; credentials: Credentials } {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port || !existsSync(`${SERVICE_ACCOUNT}/token`)) {
    throw new UserError("kube.config", "this process does not run in a cluster", {
      fix: "Give the address of an API server",
    });
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    credentials: {
      tls: { ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, "utf8") },
      authorization: () => `Bearer ${readFileSync(`${SERVICE_ACCOUNT}/token`, "utf8").trim()}`,
      namespace: existsSync(`${SERVICE_ACCOUNT}/namespace`)
        ? readFileSync(`${SERVICE_ACCOUNT}/namespace`, "utf8").trim()
        : undefined,
    },
  };
}

/** $KUBECONFIG may name several files; the first that exists counts, merging them is left to kubectl. */
function findKubeconfig(given: string): string {
  const candidates =
    given !== "" ? [given] : (process.env.KUBECONFIG || join(homedir(), ".kube/config")).split(delimiter);
  const file = candidates.find((path) => path !== "" && existsSync(path));
  if (file === undefined) {
    throw new UserError("kube.config", `there is no kubeconfig at ${candidates.join(", ")}`, {
      fix: "Name a file that exists, or set KUBECONFIG",
    });
  }
  return file;
}

function fromKubeconfig(file: string, wanted?: string): { server: string; credentials: Credentials } {
  const config = (parseYaml(readFileSync(file, "utf8"), file).toValue() ?? {}) as {
    "current-context"?: string;
    contexts?: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
    clusters?: { name: string; cluster: Record<string, string | boolean> }[];
    users?: { name: string; user: Record<string, unknown> }[];
  };
  const fail = (message: string): UserError => new UserError("kube.config", message, { where: { file } });
  const contextName = wanted ?? config["current-context"];
  const context = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (!context) throw fail(`context ${JSON.stringify(contextName ?? "")} is not among the contexts`);
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  if (!cluster) throw fail(`cluster ${JSON.stringify(context.cluster)} is not defined`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  if (user["auth-provider"]) throw fail("auth-provider was removed from Kubernetes: use an exec plugin");
  if (cluster["proxy-url"]) throw fail("proxy-url is not supported");
  const resolve = (path: string): string => (isAbsolute(path) ? path : join(dirname(file), path));
  const material = (source: Record<string, unknown>, name: string): string | undefined => {
    const inline = source[`${name}-data`];
    if (typeof inline === "string") return Buffer.from(inline, "base64").toString("utf8");
    const path = source[name];
    return typeof path === "string" ? readFileSync(resolve(path), "utf8") : undefined;
  };
  return {
    server: String(cluster.server),
    credentials: {
      tls: {
        ca: material(cluster, "certificate-authority"),
        cert: material(user, "client-certificate"),
        key: material(user, "client-key"),
        rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
        servername: cluster["tls-server-name"] as string | undefined,
      },
      authorization: authorizationOf(user, resolve, fail),
      namespace: context.namespace || undefined,
    },
  };
}

function authorizationOf(
  user: Record<string, unknown>,
  resolve: (path: string) => string,
  fail: (message: string) => UserError,
): Credentials["authorization"] {
  const { token, tokenFile, username, password = "", exec } = user as Record<string, string | undefined>;
  if (token) return () => `Bearer ${token}`;
  if (tokenFile) return () => `Bearer ${readFileSync(resolve(tokenFile), "utf8").trim()}`;
  if (username) return () => `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return exec ? execCredentials(exec as unknown as ExecPlugin, resolve, fail) : undefined;
}
