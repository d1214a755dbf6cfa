/** From the TLS part of a web configuration to what Node's servers take; files are read anew whenever one changed. */
import { readFileSync, statSync } from "node:fs";
import type { TLSSocket, TlsOptions } from "node:tls";
import { createSecureContext } from "node:tls";
import { UserError } from "@pharos/model";
import { type PemSource, unreadable, type WebTlsConfig } from "./web-config.ts";

function readPem(source: PemSource, what: string): string {
  if (source.path === undefined) return source.text ?? "";
  try {
    return readFileSync(source.path, "utf8");
  } catch (error) {
    throw unreadable(source.path, what, error);
  }
}

/** Reads the certificates and checks that they fit. A UserError names the file that does not. */
export function tlsOptions(config: WebTlsConfig): TlsOptions {
  const options: TlsOptions = {
    cert: readPem(config.cert, "cert_file"),
    key: readPem(config.key, "key_file"),
    ca: config.clientCa ? readPem(config.clientCa, "client_ca_file") : undefined,
    ciphers: config.ciphers,
    ecdhCurve: config.curves,
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    honorCipherOrder: config.preferServerCipherSuites,
    requestCert: config.clientAuth !== "NoClientCert",
    // Whether a certificate is good enough is decided in `clientProblem`, as there are more cases than Node's two.
    rejectUnauthorized: false,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new UserError("kit.web-config", `failed to load X509KeyPair: ${(error as Error).message}`, {
      where: { file: config.cert.path },
      fix: "Give a certificate and its own key, both as PEM",
      cause: error,
    });
  }
  return options;
}

/** Files whose change makes new certificates. */
export function watchedFiles({ cert, key, clientCa }: WebTlsConfig): string[] {
  return [cert, key, clientCa].flatMap((source) => (source?.path === undefined ? [] : [source.path]));
}

/** Text that changes when one of the files does: cheap enough for every connection. */
export function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        const { mtimeMs, ctimeMs, size, ino } = statSync(file);
        return `${mtimeMs}/${ctimeMs}/${size}/${ino}`;
      } catch {
        return "missing";
      }
    })
    .join(" ");
}

/** Alternative names of a certificate, without their kinds. */
function alternativeNames(text: string): string[] {
  return text.split(", ").flatMap((part) => {
    const match = /^(DNS|email|IP Address|URI):(.*)$/.exec(part);
    return match ? [match[2]] : [];
  });
}

/** Why a connection must not be served; undefined when it may be. */
export function clientProblem(socket: TLSSocket, config: WebTlsConfig): string | undefined {
  const { clientAuth, clientAllowedSans } = config;
  if (clientAuth === "NoClientCert") return undefined;
  const certificate = socket.getPeerCertificate();
  if (Object.keys(certificate).length === 0) {
    const required = clientAuth === "RequireAnyClientCert" || clientAuth === "RequireAndVerifyClientCert";
    return required ? "the client gave no certificate" : undefined;
  }
  const verify = clientAuth === "VerifyClientCertIfGiven" || clientAuth === "RequireAndVerifyClientCert";
  if (verify && !socket.authorized) return `the client's certificate is not good: ${socket.authorizationError}`;
  if (!clientAllowedSans) return undefined;
  const names = alternativeNames(certificate.subjectaltname ?? "");
  if (names.some((name) => clientAllowedSans.includes(name))) return undefined;
  return `could not find allowed SANs in client cert, found: ${names.join(", ")}`;
}
