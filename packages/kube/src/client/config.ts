/** Where a client connects and as whom. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { parseYaml } from "@pharos/kit";
import { UserError } from "@pharos/model";

export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

export interface Credentials {
  tls?: TlsOptions;
  /** Asked for at every request: projected tokens rotate. */
  token?: () => string | undefined | Promise<string | undefined>;
}

export type ClientTarget =
  | { server: string; token?: string; tls?: TlsOptions }
  | { kubeconfigFile: string }
  | { inCluster: true };

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export function resolveTarget(target: ClientTarget): { server: string; credentials: Credentials } {
  if ("server" in target) {
    const { server, token, tls } = target;
    return { server, credentials: { tls, token: token === undefined ? undefined : () => token } };
  }
  return "inCluster" in target ? inCluster() : fromKubeconfig(target.kubeconfigFile);
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
      token: () => readFileSync(`${SERVICE_ACCOUNT}/token`, "utf8").trim(),
    },
  };
}

/** Static credentials of a kubeconfig's current context. Exec plugins need a library and come with the cluster driver. */
function fromKubeconfig(file: string): { server: string; credentials: Credentials } {
  const config = parseYaml(readFileSync(file, "utf8"), file).toValue() as {
    "current-context"?: string;
    contexts?: { name: string; context: { cluster: string; user: string } }[];
    clusters?: { name: string; cluster: Record<string, string | boolean> }[];
    users?: { name: string; user: Record<string, unknown> }[];
  };
  const fail = (message: string): UserError => new UserError("kube.config", message, { where: { file } });
  const context = config.contexts?.find(({ name }) => name === config["current-context"])?.context;
  if (!context) throw fail(`current-context ${JSON.stringify(config["current-context"])} is not among the contexts`);
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  if (!cluster) throw fail(`cluster ${JSON.stringify(context.cluster)} is not defined`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  if (user.exec || user["auth-provider"]) throw fail("credentials by exec or auth-provider are not supported yet");
  const resolve = (path: string): string => (isAbsolute(path) ? path : join(dirname(file), path));
  const material = (source: Record<string, unknown>, name: string): string | undefined => {
    const inline = source[`${name}-data`];
    if (typeof inline === "string") return Buffer.from(inline, "base64").toString("utf8");
    const path = source[name];
    return typeof path === "string" ? readFileSync(resolve(path), "utf8") : undefined;
  };
  const token = user.token as string | undefined;
  const tokenFile = user.tokenFile as string | undefined;
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
      token: tokenFile ? () => readFileSync(resolve(tokenFile), "utf8").trim() : token ? () => token : undefined,
    },
  };
}
