/** The file of `--cluster.tls-config`: certificates of the cluster's own traffic, upstream's keys. */
import { readFileSync } from "node:fs";
import type { ServerOptions } from "node:https";
import { dirname, isAbsolute, join } from "node:path";
import { parseTlsClientConfig, parseYaml, type TlsClientConfig, type YamlNode } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";

export interface ClusterTls {
  server: ServerOptions;
  client: TlsClientConfig;
}

function fileOf(node: YamlNode, base: string): Buffer {
  const path = isAbsolute(node.string()) ? node.string() : join(base, node.string());
  try {
    return readFileSync(path);
  } catch (error) {
    throw node.error(`cannot read: ${describeError(error)}`, { code: "alertmanager.cluster", cause: error });
  }
}

export function readClusterTls(file: string): ClusterTls {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const message = `cannot read the cluster's TLS configuration: ${describeError(error)}`;
    throw new UserError("alertmanager.cluster", message, { where: { file }, cause: error });
  }
  const root = parseYaml(text, file).map();
  const client = parseTlsClientConfig(root.get("tls_client_config"));
  const server = root.required("tls_server_config").map();
  root.done("cluster.TLSTransportConfig");
  const base = dirname(file);
  const ca = server.get("client_ca_file");
  const auth = server.get("client_auth_type")?.string() ?? "";
  const options: ServerOptions = {
    cert: fileOf(server.required("cert_file"), base),
    key: fileOf(server.required("key_file"), base),
    ca: ca && !ca.isNull ? fileOf(ca, base) : undefined,
    requestCert: auth !== "" && auth !== "NoClientCert",
    rejectUnauthorized: auth === "RequireAndVerifyClientCert" || auth === "VerifyClientCertIfGiven",
  };
  server.done("web.TLSConfig");
  return { server: options, client };
}
