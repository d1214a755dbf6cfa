import { generateKeyPairSync, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Api } from "../../api/client.ts";
import { Json } from "../../api/json.ts";
import { findOnce, testServer } from "../../test-server.ts";
import { instanceLabels } from "./oci.ts";
import { InstanceKey, signOci, userKey } from "./signer.ts";

const folder = mkdtempSync(join(tmpdir(), "pharos-oci-"));
afterAll(() => rmSync(folder, { recursive: true }));
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keyFile = join(folder, "key.pem");
writeFileSync(
  keyFile,
  privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open" }) as string,
);

/** The text a request's signature is over, and whether the signature is right. */
function checked(authorization: string, values: Record<string, string>): { keyId: string; good: boolean } {
  const part = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(authorization)?.[1] ?? "";
  const text = part("headers")
    .split(" ")
    .map((name) => `${name}: ${values[name]}`)
    .join("\n");
  const good = verify("RSA-SHA256", Buffer.from(text), publicKey, Buffer.from(part("signature"), "base64"));
  return { keyId: part("keyId"), good };
}

test("compartments, instances, their network cards; each request is signed", async () => {
  await using server = await testServer(({ path, query }) => {
    if (path === "/20160918/compartments") {
      if (query.get("compartmentId") === "closed") return { status: 404, body: "{}" };
      return query.get("compartmentId") === "root"
        ? [
            { id: "open", lifecycleState: "ACTIVE" },
            { id: "closed", lifecycleState: "ACTIVE" },
            { id: "gone", lifecycleState: "DELETED" },
          ]
        : [];
    }
    if (path === "/20160918/instances") {
      const instance = (id: string) => ({
        id,
        compartmentId: "open",
        displayName: "vm",
        lifecycleState: "RUNNING",
        shape: "VM",
        availabilityDomain: "AD-1",
        faultDomain: "FD-1",
        region: "fra",
        imageId: "img",
        freeformTags: { "a b": "c" },
        definedTags: { ns: { "k-1": 5, k2: true, k3: "x", k4: [1] } },
      });
      if (query.get("compartmentId") !== "open") return [];
      if (query.has("page")) return [instance("without card")];
      return { headers: { "opc-next-page": "2" }, body: JSON.stringify([instance("i1")]) };
    }
    if (path === "/20160918/vnicAttachments") {
      if (query.get("instanceId") !== "i1") return [{ vnicId: "v0", lifecycleState: "DETACHED" }];
      return [
        { vnicId: "v1", lifecycleState: "ATTACHED" },
        { vnicId: "v2", lifecycleState: "ATTACHED" },
      ];
    }
    return path.endsWith("/v2")
      ? {
          id: "v2",
          isPrimary: true,
          privateIp: "10.0.0.1",
          publicIp: "1.2.3.4",
          ipv6Addresses: ["b", "a"],
          hostnameLabel: "h",
        }
      : { id: "v1", isPrimary: false };
  });
  const patch = { identityEndpoint: server.url, coreEndpoint: server.url };
  const yaml = `oci_sd_configs: [{region: eu-frankfurt-1, tenancy: root, user: u, fingerprint: f, key_file: '${keyFile}', key_passphrase: open}]`;
  expect(await findOnce(yaml, patch)).toEqual([
    {
      __address__: "10.0.0.1:80",
      __meta_oci_instance_id: "i1",
      __meta_oci_instance_name: "vm",
      __meta_oci_instance_state: "RUNNING",
      __meta_oci_instance_shape: "VM",
      __meta_oci_availability_domain: "AD-1",
      __meta_oci_fault_domain: "FD-1",
      __meta_oci_region: "fra",
      __meta_oci_tenancy_id: "root",
      __meta_oci_compartment_id: "open",
      __meta_oci_image_id: "img",
      __meta_oci_vnic_id: "v2",
      __meta_oci_private_ip: "10.0.0.1",
      __meta_oci_public_ip: "1.2.3.4",
      __meta_oci_ipv6_addresses: ",a,b,",
      __meta_oci_hostname_label: "h",
      __meta_oci_tag_a_b: "c",
      __meta_oci_defined_tag_ns_k_1: "5",
      __meta_oci_defined_tag_ns_k2: "true",
      __meta_oci_defined_tag_ns_k3: "x",
    },
  ]);
  for (const { headers, path, query } of server.asked) {
    const target = `get ${path}${query.size > 0 ? `?${query}` : ""}`;
    const { keyId, good } = checked(String(headers.authorization), {
      date: String(headers.date),
      host: String(headers.host),
      "(request-target)": target,
    });
    expect(keyId).toBe("root/u/f");
    expect(good).toBe(true);
  }
});

test("a body is signed as well", () => {
  const body = '{"a":1}';
  const url = new URL("https://auth.example/v1/x509?b=c");
  const headers = signOci({ keyId: "k", key: privateKey }, { method: "POST", url, body, now: 0 });
  expect(headers.date).toBe("Thu, 01 Jan 1970 00:00:00 GMT");
  const values = {
    ...headers,
    "content-length": "7",
    host: "auth.example",
    "(request-target)": "post /v1/x509?b=c",
  };
  expect(checked(headers.authorization, values).good).toBe(true);
});

/** Of an instance, made for this test: its subject names the tenancy. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDnTCCAoWgAwIBAgIUH87+S+AoZIna8OOnJcGMO0tHnVMwDQYJKoZIhvcNAQEL
BQAwXTERMA8GA1UEAwwIaW5zdGFuY2UxKzApBgNVBAsMIm9wYy10ZW5hbnQ6b2Np
ZDEudGVuYW5jeS5vYzEuLnRlc3QxGzAZBgNVBAsMEm9wYy1pbnN0YW5jZTpvY2lk
MTAgFw0yNjExMjQxNjI3MzNaGA8yMTI2MTAzMTE2MjczM1owXTERMA8GA1UEAwwI
aW5zdGFuY2UxKzApBgNVBAsMIm9wYy10ZW5hbnQ6b2NpZDEudGVuYW5jeS5vYzEu
LnRlc3QxGzAZBgNVBAsMEm9wYy1pbnN0YW5jZTpvY2lkMTCCASIwDQYJKoZIhvcN
AQEBBQADggEPADCCAQoCggEBAMpqvdepO/8H/pJC+1fQwWg2OaE7jR0FL2SIKP7M
dULzBbwsImDpM0wL6MouyBCNIQLeX8ushtw2AkDH7LSbw74wqNcJZr8ftWj5Mvjz
YRSy6Hf5+M0huk84Ek+SlPUjvASXnhNAMwo6AXbNiVex+I0CnA4qH9aWvVMd9avG
TDdm2ued6Q+c1yhO2IkjK0Tyyej4kqohhciXNffdhBmx2OLdnQk3oh7t1fxtawZy
m9h4F/H0r7w6NHLtXS8KaQmlNZXaYhFbjFFCgkkbzU6ZUjS64bwf/kIBJEikvRAP
tCKyQFfzVABv8dKqv0knncZVO6FcxRL5vEctyF2V/1DgoOsCAwEAAaNTMFEwHQYD
VR0OBBYEFDTgZqQCUaFcuAK7/fQ9OcZ/1ovZMB8GA1UdIwQYMBaAFDTgZqQCUaFc
uAK7/fQ9OcZ/1ovZMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEB
AJKIAxtIpEPvIt8kwCrl/HKs7RdssPorxQ/2PtrBy5ocn3wreB9eXrKDx2VUJ4sB
ExAEcvP43DKGpn356p5M7JN53ZSXKmKfq1pSqPwEySA+BmMafAkiW1mwpgC3aQXU
ecTJVzyxrLITEjpb7f37Atq3T3gdyoXsERipI67BnjFP4EpUSwhRe+Q7R2dyQdfo
wuhAAt547+oqQI1hZUGqgUlzvsvJ9J125QHN7Uwjp+hYJw3aoU7bYObhYD97ZOx4
4cXi19/9haF4zpqGo2DEY2BK1HBfCuSkOQEQSVIAcQ9f5k/5qf1x/3M7hsHAAjAU
Dh1tbNIOddfLTDeqd4R7ZCc=
-----END CERTIFICATE-----`;

test("an instance's own certificate is exchanged for a token, which is kept", async () => {
  await using server = await testServer(({ path, headers }) => {
    if (path === "/v1/x509") {
      const claims = Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + 3600 })).toString("base64url");
      return { token: `header.${claims}.signature` };
    }
    if (headers.authorization !== "Bearer Oracle") return { status: 401, body: "" };
    if (path !== "/identity/key.pem") return CERTIFICATE;
    return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  });
  const plain = {
    tls: { insecureSkipVerify: false },
    noProxy: "",
    proxyFromEnvironment: false,
    proxyHeaders: {},
    followRedirects: true,
    enableHttp2: true,
    headers: [],
  };
  await using api = new Api(plain, { timeoutMs: 2000, signal: new AbortController().signal });
  const source = new InstanceKey(api, server.url, server.url);
  const key = await source.get();
  expect(key.tenancy).toBe("ocid1.tenancy.oc1..test");
  expect(key.keyId).toMatch(/^ST\$header\./);
  const exchange = server.asked.find(({ path }) => path === "/v1/x509");
  const { keyId, good } = checked(String(exchange?.headers.authorization), {
    ...(exchange?.headers as Record<string, string>),
    "(request-target)": "post /v1/x509",
  });
  expect(keyId).toMatch(/^ocid1\.tenancy\.oc1\.\.test\/fed-x509\/([0-9A-F]{2}:){19}[0-9A-F]{2}$/);
  expect(good).toBe(true);
  expect(JSON.parse(exchange?.body ?? "").certificate).toBe(CERTIFICATE.replace(/-----[^-]+-----|\s/g, ""));
  await source.get();
  expect(server.asked.filter(({ path }) => path === "/v1/x509")).toHaveLength(1);
});

test("an instance with IPv6 alone, and one without an address", () => {
  const instance = new Json({ id: "i" });
  const [labels] = instanceLabels(instance, new Json({ ipv6Addresses: ["fd00::2", "fd00::1"] }), "t", 80);
  expect(labels.__address__).toBe("[fd00::1]:80");
  expect(instanceLabels(instance, new Json({}), "t", 80)).toEqual([]);
});

test("a key that cannot be read is told with its file", () => {
  const config = {
    tenancy: "t",
    user: "u",
    fingerprint: "f",
    keyFile,
    keyPassphrase: undefined,
    keyPassphraseFile: "",
  };
  expect(() => userKey(config)).toThrow("cannot read the OCI key");
  expect(() => userKey({ ...config, keyFile: "/nowhere" })).toThrow("ENOENT");
});
