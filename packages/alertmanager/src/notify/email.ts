/** Mail through a relay: one connection for one message, STARTTLS by default, threads by group where asked for. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { block, flag, hostPort, optionalFlag, secret, text, textMap, tls } from "../config/fields.ts";
import { type Delivery, defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { composeMail, type MailPart, mailDate, parseAddresses } from "./mail.ts";
import { sendMail } from "./smtp.ts";

const IMPLICIT_TLS_PORT = "465";

/** `x-some-header` as `X-Some-Header`. */
function canonicalHeader(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

function addresses(list: string, what: string): string[] {
  try {
    return parseAddresses(list);
  } catch (error) {
    throw new NotifyError(`parse '${what}' addresses: ${(error as Error).message}`, { cause: error });
  }
}

/** Clients gather mails that refer to the same message, even to one that was never sent. */
function threadHeaders(groupKeyHash: string, by: string): [string, string][] {
  const date = new Date();
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  const root = `<alert-${groupKeyHash.slice(0, 16)}-${by === "none" ? "" : local}@alertmanager>`;
  return [
    ["References", root],
    ["In-Reply-To", root],
  ];
}

export const email = defineIntegration({
  name: "email",
  goType: "config.plain",
  sendResolved: false,
  withoutHttp: true,
  fields: {
    to: text(),
    from: text(),
    hello: text(),
    smarthost: hostPort(),
    auth_username: text(),
    auth_password: secret(),
    auth_password_file: text(),
    auth_secret: secret(),
    auth_secret_file: text(),
    auth_identity: text(),
    headers: textMap(),
    html: text('{{ template "email.default.html" . }}'),
    text: text(),
    require_tls: optionalFlag(),
    tls_config: tls(),
    force_implicit_tls: optionalFlag(),
    threading: block({ enabled: flag(), thread_by_date: text() }, "config.ThreadingConfig"),
  },
  check(settings, fail) {
    if (settings.to === "") throw fail("missing to address in email config");
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(settings.headers)) {
      const canonical = canonicalHeader(name);
      if (canonical in headers) throw fail(`duplicate header ${JSON.stringify(canonical)} in email config`);
      headers[canonical] = value;
    }
    settings.headers = headers;
    if (!settings.threading.enabled) return;
    for (const name of ["References", "In-Reply-To"]) {
      if (name in headers)
        throw fail(`conflicting configuration: threading.enabled conflicts with custom ${name} header`);
    }
    if (!["none", "daily"].includes(settings.threading.thread_by_date))
      throw fail("threading.thread_by_date must be either 'none' or 'daily'");
  },
  complete(settings, global, fail) {
    settings.tls_config ??= global.smtp_tls_config;
    settings.smarthost ??= global.smtp_smarthost;
    if (!settings.smarthost) throw fail("no global SMTP smarthost set");
    settings.from ||= global.smtp_from;
    if (settings.from === "") throw fail("no global SMTP from set");
    settings.hello ||= global.smtp_hello;
    settings.auth_username ||= global.smtp_auth_username;
    if (!settings.auth_password && settings.auth_password_file === "") {
      settings.auth_password = global.smtp_auth_password;
      settings.auth_password_file = global.smtp_auth_password_file;
    }
    if (!settings.auth_secret && settings.auth_secret_file === "") {
      settings.auth_secret = global.smtp_auth_secret;
      settings.auth_secret_file = global.smtp_auth_secret_file;
    }
    settings.auth_identity ||= global.smtp_auth_identity;
    settings.require_tls ??= global.smtp_require_tls;
    settings.force_implicit_tls ??= global.smtp_force_implicit_tls;
  },
  create(settings) {
    const { host, port } = settings.smarthost!;
    const headers = {
      Subject: '{{ template "email.default.subject" . }}',
      To: settings.to,
      From: settings.from,
      ...settings.headers,
    };

    function headersOf({ data, text }: Delivery): [string, string][] {
      const { threading } = settings;
      const out = Object.entries(headers).map(([name, template]): [string, string] => [name, text(template)]);
      if (!("Message-Id" in headers)) {
        const random = randomBytes(8).readBigUInt64BE();
        out.push([
          "Message-Id",
          `<${BigInt(Date.now()) * 1_000_000n}.${random}@${hostname() || "localhost.localdomain"}>`,
        ]);
      }
      if (threading.enabled) out.push(...threadHeaders(data.groupKeyHash, threading.thread_by_date));
      out.push(["Date", mailDate(Date.now())]);
      return out;
    }

    return {
      async send(delivery) {
        const { text, html, signal } = delivery;
        const from = addresses(text(settings.from), "from");
        if (from.length !== 1) throw new NotifyError(`must be exactly one 'from' address (got: ${from.length})`);
        const to = addresses(text(settings.to), "to");
        const parts: MailPart[] = [];
        if (settings.text !== "") parts.push({ type: "text/plain", text: text(settings.text) });
        if (settings.html !== "") parts.push({ type: "text/html", text: html(settings.html) });
        const message = composeMail(headersOf(delivery), parts);
        const { auth_password, auth_password_file, auth_secret, auth_secret_file } = settings;
        return sendMail(
          {
            host: host || "localhost",
            port: Number(port),
            hello: settings.hello,
            implicitTls: settings.force_implicit_tls ?? port === IMPLICIT_TLS_PORT,
            requireTls: settings.require_tls ?? true,
            tls: settings.tls_config ?? { insecureSkipVerify: false },
            username: settings.auth_username === "" ? undefined : settings.auth_username,
            identity: settings.auth_identity,
            // A file wins over a value, as upstream has it.
            password: () =>
              revealSecret(
                auth_password_file === "" ? auth_password : undefined,
                auth_password_file,
                "auth_password_file",
              ) ?? "",
            secret: () =>
              revealSecret(auth_secret_file === "" ? auth_secret : undefined, auth_secret_file, "auth_secret_file") ??
              "",
          },
          { from: from[0], to, message },
          signal,
        );
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
});
