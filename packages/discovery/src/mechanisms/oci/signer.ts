/**
 * Oracle Cloud's request signatures: RSA over chosen headers, by a user's key or by the key of the instance's own
 * certificate (instance principal), which the identity service exchanges for a token.
 */
import {
  createHash,
  createPrivateKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { readFileSync } from "node:fs";
import type { Secret } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { Api } from "../../api/client.ts";
import { Json } from "../../api/json.ts";

const METADATA = "http://169.254.169.254/opc/v2";
const RENEW_BEFORE_MS = 300_000;

export interface ApiKeyConfig {
  tenancy: string;
  user: string;
  fingerprint: string;
  keyFile: string;
  keyPassphrase: Secret | undefined;
  keyPassphraseFile: string;
}

interface SigningKey {
  keyId: string;
  key: KeyObject;
  tenancy: string;
}

/** Headers to send with a request signed so. */
export function signOci(
  { keyId, key }: { keyId: string; key: KeyObject },
  request: { method: string; url: URL; body?: string; now: number },
): Record<string, string> {
  const { method, url, body, now } = request;
  const headers: Record<string, string> = { date: new Date(now).toUTCString() };
  const names = ["date", "(request-target)", "host"];
  if (body !== undefined) {
    headers["content-length"] = String(Buffer.byteLength(body));
    headers["content-type"] = "application/json";
    headers["x-content-sha256"] = createHash("sha256").update(body).digest("base64");
    names.push("content-length", "content-type", "x-content-sha256");
  }
  const values: Record<string, string> = {
    ...headers,
    host: url.host,
    "(request-target)": `${method.toLowerCase()} ${url.pathname}${url.search}`,
  };
  const text = names.map((name) => `${name}: ${values[name]}`).join("\n");
  const signature = createSign("RSA-SHA256").update(text).sign(key, "base64");
  const { "content-length": _length, ...sent } = headers;
  return {
    ...sent,
    authorization: `Signature version="1",headers="${names.join(" ")}",keyId="${keyId}",algorithm="rsa-sha256",signature="${signature}"`,
  };
}

/** The key of a user. Files are read now; throws a UserError when they cannot be. */
export function userKey(config: ApiKeyConfig): SigningKey {
  const { tenancy, user, fingerprint, keyFile, keyPassphrase, keyPassphraseFile } = config;
  try {
    const passphrase =
      keyPassphraseFile === ""
        ? keyPassphrase?.reveal()
        : readFileSync(keyPassphraseFile, "utf8").replace(/[\r\n]+$/, "");
    const key = createPrivateKey({ key: readFileSync(keyFile, "utf8"), format: "pem", passphrase });
    return { keyId: `${tenancy}/${user}/${fingerprint}`, key, tenancy };
  } catch (error) {
    throw new UserError("discovery.config", `cannot read the OCI key: ${(error as Error).message}`, {
      where: { file: keyFile },
      cause: error,
    });
  }
}

/** Tenancy of an instance, as its certificate names it. */
function tenancyOf(certificate: X509Certificate): string {
  const tenancy = /opc-(?:tenant|identity):([^\s,+]+)/.exec(certificate.subject)?.[1];
  if (tenancy) return tenancy;
  throw new UserError("discovery.answer", "the instance's certificate names no tenancy");
}

/** The key of the instance this runs on; asked for anew when its token ends. */
export class InstanceKey {
  readonly #api: Api;
  readonly #authEndpoint: string;
  readonly #metadata: string;
  #known: (SigningKey & { endsAt: number }) | undefined;

  /** `authEndpoint` as in `https://auth.eu-frankfurt-1.oraclecloud.com`. */
  constructor(api: Api, authEndpoint: string, metadata: string = METADATA) {
    this.#api = api;
    this.#authEndpoint = authEndpoint;
    this.#metadata = metadata;
  }

  async get(): Promise<SigningKey> {
    if (this.#known && this.#known.endsAt - RENEW_BEFORE_MS > Date.now()) return this.#known;
    const [leaf, key, intermediate] = await Promise.all(
      ["cert.pem", "key.pem", "intermediate.pem"].map((name) => this.#pem(name)),
    );
    const certificate = new X509Certificate(leaf);
    const tenancy = tenancyOf(certificate);
    const session = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const bare = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, "");
    const body = JSON.stringify({
      certificate: bare(leaf),
      intermediateCertificates: [bare(intermediate)],
      publicKey: bare(session.publicKey.export({ type: "spki", format: "pem" }) as string),
    });
    const url = new URL(`${this.#authEndpoint}/v1/x509`);
    const keyId = `${tenancy}/fed-x509/${certificate.fingerprint}`;
    const headers = signOci({ keyId, key: createPrivateKey(key) }, { method: "POST", url, body, now: Date.now() });
    const token = (await this.#api.json(String(url), { method: "POST", headers, body })).text("token");
    const claims = Json.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8") || "{}");
    this.#known = { keyId: `ST$${token}`, key: session.privateKey, tenancy, endsAt: claims.number("exp") * 1000 };
    return this.#known;
  }

  async #pem(name: string): Promise<string> {
    const { body } = await this.#api.get(`${this.#metadata}/identity/${name}`, {
      headers: { authorization: "Bearer Oracle" },
    });
    return body.toString("utf8");
  }
}
