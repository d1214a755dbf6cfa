/**
 * The part of SMTP that a relay is spoken to with: one connection for one message, as upstream does it. nodemailer's connection
 * speaks the protocol; which of its errors may be over at the next try is decided here.
 */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { TlsClientConfig } from "@pharos/kit";
import SMTPConnection, {
  type SMTPConnectionCustomAuthContext,
  type SMTPConnectionSendInfo,
} from "nodemailer/lib/smtp-connection";
import { NotifyError } from "./integration.ts";

export interface SmtpSettings {
  host: string;
  port: number;
  /** Name given in EHLO. */
  hello: string;
  implicitTls: boolean;
  requireTls: boolean;
  tls: TlsClientConfig;
  /** undefined: no authentication. */
  username?: string;
  identity: string;
  password?: () => string;
  /** For CRAM-MD5. */
  secret?: () => string;
}

export interface Envelope {
  from: string;
  to: string[];
  message: Buffer;
}

function tlsOptions(tls: TlsClientConfig, host: string) {
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, "utf8");
  return {
    ca: tls.ca ?? file(tls.caFile),
    cert: tls.cert ?? file(tls.certFile),
    key: tls.key?.reveal() ?? file(tls.keyFile),
    // Names only: an address is compared with the certificate all the same.
    servername: isIP(tls.serverName ?? host) ? undefined : (tls.serverName ?? host),
    rejectUnauthorized: !tls.insecureSkipVerify,
    minVersion: tls.minVersion as "TLSv1.2" | undefined,
    maxVersion: tls.maxVersion as "TLSv1.3" | undefined,
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

interface Mechanism {
  name: "CRAM-MD5" | "PLAIN" | "LOGIN";
  /** Password or secret. */
  pass: string;
}

/** The strongest of the server's mechanisms that there are credentials for. */
function chooseMechanism({ password, secret }: SmtpSettings, offered: readonly string[]): Mechanism {
  const problems: string[] = [];
  for (const name of ["CRAM-MD5", "PLAIN", "LOGIN"] as const) {
    if (!offered.includes(name)) continue;
    const pass = (name === "CRAM-MD5" ? secret?.() : password?.()) ?? "";
    if (pass !== "") return { name, pass };
    problems.push(`missing ${name === "CRAM-MD5" ? "secret" : "password"} for ${name} auth mechanism`);
  }
  if (problems.length === 0) problems.push("unknown auth mechanism");
  throw new Error(`find auth mechanism: ${problems.join("; ")}`);
}

/** Speaks the mechanism; throws when the server refuses. */
async function authenticate(
  settings: SmtpSettings,
  isEncrypted: boolean,
  ask: SMTPConnectionCustomAuthContext,
): Promise<void> {
  const user = settings.username!;
  const { name, pass } = chooseMechanism(settings, ask.authMethods);
  // Go's client does not send a password in the clear, except to itself.
  if (name === "PLAIN" && !isEncrypted && !LOCAL_HOSTS.has(settings.host)) throw new Error("unencrypted connection");
  const send = async (command: string, wanted: number): Promise<string> => {
    const { status, response, text } = await ask.sendCommand(command);
    if (status !== wanted) throw new Error(response);
    return text;
  };
  switch (name) {
    case "PLAIN":
      await send(`AUTH PLAIN ${base64(`${settings.identity}\0${user}\0${pass}`)}`, 235);
      return;
    case "LOGIN":
      await send("AUTH LOGIN", 334);
      await send(base64(user), 334);
      await send(base64(pass), 235);
      return;
    case "CRAM-MD5": {
      const challenge = Buffer.from((await send("AUTH CRAM-MD5", 334)).trim(), "base64");
      const digest = createHmac("md5", pass).update(challenge).digest("hex");
      await send(base64(`${user} ${digest}`), 235);
    }
  }
}

/** Name under which nodemailer hands authentication over to us. */
const AUTH = "PHAROS";
const LOCAL_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/** Delivers one message; throws a NotifyError. Answers the server's last words. */
export async function sendMail(
  settings: SmtpSettings,
  { from, to, message }: Envelope,
  signal: AbortSignal,
): Promise<string> {
  const { host, port, hello, implicitTls, requireTls } = settings;
  let tls: ReturnType<typeof tlsOptions>;
  try {
    tls = tlsOptions(settings.tls, host);
  } catch (error) {
    throw new NotifyError(`parse TLS configuration: ${(error as Error).message}`, { cause: error });
  }
  const connection: SMTPConnection = new SMTPConnection({
    host,
    port,
    name: hello,
    secure: implicitTls,
    // STARTTLS only where it is asked for, as upstream does.
    ignoreTLS: !requireTls,
    requireTLS: requireTls && !implicitTls,
    tls,
    connectionTimeout: 60_000,
    greetingTimeout: 60_000,
    socketTimeout: 120_000,
    customAuth: { [AUTH]: (context) => authenticate(settings, connection.secure, context) },
  });
  let failed: (error: Error) => void = () => {};
  const failure = new Promise<never>((_resolve, reject) => {
    failed = reject;
  });
  failure.catch(() => {});
  connection.on("error", (error) => failed(error));
  connection.on("end", () => failed(new Error("the server closed the connection")));
  const abort = (): void => failed(new Error("the notification took too long"));
  signal.addEventListener("abort", abort, { once: true });
  const step = async <T>(what: string, run: (done: (error?: Error | null, value?: T) => void) => void): Promise<T> => {
    try {
      return await Promise.race([
        failure,
        new Promise<T>((resolve, reject) => run((error, value) => (error ? reject(error) : resolve(value as T)))),
      ]);
    } catch (error) {
      if (error instanceof NotifyError) throw error;
      const reason = signal.aborted ? "contextDeadlineExceeded" : "other";
      throw new NotifyError(`${what}: ${(error as Error).message}`, { retry: true, reason, cause: error });
    }
  };
  try {
    if (signal.aborted) abort();
    await step<void>("establish connection to server", (done) => connection.connect((error) => done(error)));
    if (settings.username !== undefined && connection.allowsAuth) {
      await step<unknown>("auth", (done) =>
        connection.login({ method: AUTH, user: settings.username }, (error) => done(error)),
      );
    }
    const { response, rejectedErrors = [] } = await step<SMTPConnectionSendInfo>("delivery failure", (done) =>
      connection.send({ from, to }, message, (error, info) => done(error, info)),
    );
    connection.quit();
    const isTemporary = rejectedErrors.some(({ responseCode = 0 }) => responseCode >= 400 && responseCode < 500);
    const refusals = rejectedErrors.map((error) => error.message).join("; ");
    // Some were told: those who may be told later are worth repeating it to the others.
    if (isTemporary) throw new NotifyError(`send RCPT command: ${refusals}`, { retry: true });
    return refusals === "" ? response : `${response} (refused: ${refusals})`;
  } catch (error) {
    connection.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
