/** spec.web → the web configuration file, the Secret that holds it, and the mounts of its TLS material. */
import { toYaml } from "../../prometheus/config.ts";
import type { Yaml } from "../../prometheus/http-client.ts";
import type { SecretKeyRef, SecretOrConfigMap } from "../../resources/common.ts";
import type { Open, WebSpec } from "../../resources/workload.ts";
import { volumeName } from "./names.ts";

export const WEB_CONFIG_FILE = "web-config.yaml";

export interface WebConfig {
  /** Content of the file. */
  text: string;
  /** Path of the file in the container. */
  path: string;
  volumes: Open[];
  mounts: Open[];
}

type Part = "cert" | "key" | "ca";

const HEADERS: Record<string, readonly [name: string, lower: boolean]> = {
  contentSecurityPolicy: ["Content-Security-Policy", false],
  strictTransportSecurity: ["Strict-Transport-Security", false],
  xContentTypeOptions: ["X-Content-Type-Options", true],
  xFrameOptions: ["X-Frame-Options", true],
  xXSSProtection: ["X-XSS-Protection", false],
};

/** One Secret or ConfigMap as a folder of its own, for one part of the material. */
export function materialMount(
  reference: SecretOrConfigMap,
  part: Part,
  folder: string,
  prefix: "web-config-tls" | "cluster-tls",
) {
  const source = reference.secret ? "secret" : "configmap";
  const { name = "", key = "" }: SecretKeyRef = reference.secret ?? reference.configMap ?? {};
  const volume = volumeName(prefix, `${source}-${part}-${name}`);
  const mountPath = `${folder}/${source}/${name}-${part}`;
  return {
    path: `${mountPath}/${key}`,
    volume: {
      name: volume,
      [source === "secret" ? "secret" : "configMap"]: source === "secret" ? { secretName: name } : { name },
    },
    mount: { name: volume, mountPath, readOnly: true },
  };
}

function serverTls(tls: NonNullable<WebSpec["tlsConfig"]>, folder: string, volumes: Open[], mounts: Open[]): Yaml {
  const out: Yaml = {};
  const material = (
    key: string,
    part: Part,
    reference: SecretOrConfigMap | undefined,
    file: string | undefined,
  ): void => {
    if (file) out[key] = file;
    else if (reference?.secret || reference?.configMap) {
      const made = materialMount(reference, part, folder, "web-config-tls");
      volumes.push(made.volume);
      mounts.push(made.mount);
      out[key] = made.path;
    }
  };
  material("key_file", "key", tls.keySecret?.name ? { secret: tls.keySecret } : undefined, tls.keyFile);
  material("cert_file", "cert", tls.cert, tls.certFile);
  material("client_ca_file", "ca", tls.client_ca, tls.clientCAFile);
  if (tls.clientAuthType) out.client_auth_type = tls.clientAuthType;
  if (tls.minVersion) out.min_version = tls.minVersion;
  if (tls.maxVersion) out.max_version = tls.maxVersion;
  if (tls.cipherSuites?.length) out.cipher_suites = tls.cipherSuites;
  if (tls.preferServerCipherSuites !== undefined) out.prefer_server_cipher_suites = tls.preferServerCipherSuites;
  if (tls.curvePreferences?.length) out.curve_preferences = tls.curvePreferences;
  return out;
}

/** `folder`: where the program expects it. There is always a file, so that switching TLS on restarts nothing. */
export function webConfig(web: WebSpec | undefined, secretName: string, folder: string): WebConfig {
  const path = `${folder}/${WEB_CONFIG_FILE}`;
  const volumes: Open[] = [{ name: "web-config", secret: { secretName } }];
  const mounts: Open[] = [{ name: "web-config", mountPath: path, subPath: WEB_CONFIG_FILE, readOnly: true }];
  const config: Yaml = {};
  if (web?.tlsConfig) config.tls_server_config = serverTls(web.tlsConfig, folder, volumes, mounts);
  if (web?.httpConfig) {
    const http: Yaml = {};
    if (web.httpConfig.http2 !== undefined) http.http2 = web.httpConfig.http2;
    const headers = Object.entries(web.httpConfig.headers ?? {}).flatMap(([field, value]) => {
      const known = HEADERS[field];
      return known && typeof value === "string" && value !== ""
        ? [[known[0], known[1] ? value.toLowerCase() : value]]
        : [];
    });
    if (headers.length > 0) http.headers = Object.fromEntries(headers);
    config.http_server_config = http;
  }
  return { text: Object.keys(config).length > 0 ? toYaml(config) : "", path, volumes, mounts };
}
