/** X.509 certificates with P-256 keys, as few of the standard's parts as a server and its authority need (RFC 5280). */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  /** Empty for an authority. */
  dnsNames: readonly string[];
  /** Unix ms. */
  notBefore: number;
  notAfter: number;
  /** Who signs; absent: an authority that signs itself. */
  issuer?: { commonName: string; key: string };
}

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), body]);
}

function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(TAG.oid, Buffer.from(bytes));
}

const OID = {
  ecdsaSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKey: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  subjectKey: "2.5.29.14",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

const bits = (bytes: Uint8Array, unused = 0): Buffer => der(TAG.bits, Buffer.from([unused]), bytes);
const yes = der(TAG.boolean, Buffer.from([0xff]));

function nameOf(commonName: string): Buffer {
  const attribute = der(TAG.sequence, oid(OID.commonName), der(TAG.utf8, Buffer.from(commonName)));
  return der(TAG.sequence, der(TAG.set, attribute));
}

/** GeneralizedTime, also where the standard asks for UTCTime before 2050: readers take both. */
function timeOf(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, "");
  const year = Number(text.slice(0, 4));
  if (year >= 2050) return der(TAG.time, Buffer.from(text));
  return der(0x17, Buffer.from(text.slice(2)));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return der(TAG.sequence, oid(id), ...(critical ? [yes] : []), der(TAG.octets, value));
}

/** Identifies a key by its public half. */
function keyId(key: string): Buffer {
  const spki = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
  return createHash("sha1").update(spki).digest();
}

function extensionsOf({ dnsNames, issuer }: CertificateRequest, ownKey: string): Buffer[] {
  const own = extension(OID.subjectKey, der(TAG.octets, keyId(ownKey)));
  if (!issuer) {
    return [
      extension(OID.basicConstraints, der(TAG.sequence, yes), true),
      // keyCertSign
      extension(OID.keyUsage, bits(Buffer.from([0x04]), 2), true),
      own,
    ];
  }
  return [
    extension(OID.basicConstraints, der(TAG.sequence), true),
    // digitalSignature
    extension(OID.keyUsage, bits(Buffer.from([0x80]), 7), true),
    extension(OID.extendedKeyUsage, der(TAG.sequence, oid(OID.serverAuth))),
    extension(OID.subjectAltName, der(TAG.sequence, ...dnsNames.map((name) => der(0x82, Buffer.from(name))))),
    own,
    extension(OID.authorityKey, der(TAG.sequence, der(0x80, keyId(issuer.key)))),
  ];
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** A new key and its certificate. */
export function issueCertificate(request: CertificateRequest): Certificate {
  const { commonName, notBefore, notAfter, issuer } = request;
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const algorithm = der(TAG.sequence, oid(OID.ecdsaSha256));
  const serial = randomBytes(16);
  // Positive, and without a leading zero that is not needed.
  serial[0] = (serial[0] & 0x3f) | 0x40;
  const body = der(
    TAG.sequence,
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serial),
    algorithm,
    nameOf(issuer?.commonName ?? commonName),
    der(TAG.sequence, timeOf(notBefore), timeOf(notAfter)),
    nameOf(commonName),
    pair.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(TAG.sequence, ...extensionsOf(request, key))),
  );
  const signature = sign("sha256", body, createPrivateKey(issuer?.key ?? key));
  return { cert: pem("CERTIFICATE", der(TAG.sequence, body, algorithm, bits(signature))), key };
}
