/** An SMTP server on loopback that records mails: STARTTLS, AUTH PLAIN, LOGIN and CRAM-MD5, refusals. For tests. */
import { createHmac } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

export interface RecordedMail {
  hello: string;
  from: string;
  to: string[];
  /** Header and body as they came, without the dots of transparency. */
  data: string;
  secure: boolean;
  /** Mechanism and user; undefined: nobody. */
  auth: { mechanism: string; user: string; identity?: string } | undefined;
  at: number;
}

export interface SmtpOptions {
  /** PEM; offers STARTTLS. */
  tls?: { cert: string; key: string };
  /** Mechanisms it offers. */
  mechanisms?: readonly string[];
  /** Users and their passwords, or secrets for CRAM-MD5. */
  users?: Readonly<Record<string, string>>;
  /** Answers to RCPT by address. */
  refuse?: Readonly<Record<string, string>>;
  /** Speaks TLS from the start. */
  implicitTls?: boolean;
}

class Session {
  readonly #options: SmtpOptions;
  readonly #done: (mail: RecordedMail) => void;
  #socket: Socket;
  #buffer = "";
  #secure: boolean;
  #mail: Omit<RecordedMail, "data" | "at" | "secure">;
  /** Takes the next line instead of the commands. */
  #next: ((line: string) => void) | undefined;
  #data: string[] | undefined;

  constructor(socket: Socket, options: SmtpOptions, done: (mail: RecordedMail) => void) {
    this.#options = options;
    this.#done = done;
    this.#socket = socket;
    this.#secure = options.implicitTls ?? false;
    this.#mail = { hello: "", from: "", to: [], auth: undefined };
    this.#listen();
    this.#say("220 recorder ESMTP");
  }

  #listen(): void {
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk) => {
      this.#buffer += chunk.toString("utf8");
      for (let at = this.#buffer.indexOf("\r\n"); at >= 0; at = this.#buffer.indexOf("\r\n")) {
        const line = this.#buffer.slice(0, at);
        this.#buffer = this.#buffer.slice(at + 2);
        this.#line(line);
      }
    });
  }

  #say(...lines: string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  #line(line: string): void {
    if (this.#data) {
      if (line !== ".") {
        this.#data.push(line.startsWith("..") ? line.slice(1) : line);
        return;
      }
      const data = this.#data.join("\r\n");
      this.#data = undefined;
      this.#done({ ...this.#mail, data, secure: this.#secure, at: Date.now() });
      this.#say("250 taken");
      return;
    }
    if (this.#next) {
      const next = this.#next;
      this.#next = undefined;
      next(line);
      return;
    }
    this.#command(line);
  }

  #command(line: string): void {
    const { tls, mechanisms = [], refuse = {} } = this.#options;
    const [verb, ...rest] = line.split(" ");
    switch (verb.toUpperCase()) {
      case "EHLO":
      case "HELO": {
        this.#mail = { hello: rest.join(" "), from: "", to: [], auth: this.#mail.auth };
        const offers = ["8BITMIME"];
        if (tls && !this.#secure) offers.push("STARTTLS");
        if (mechanisms.length > 0) offers.push(`AUTH ${mechanisms.join(" ")}`);
        this.#say("250-recorder", ...offers.map((offer, i) => `250${i === offers.length - 1 ? " " : "-"}${offer}`));
        return;
      }
      case "STARTTLS":
        if (!tls) {
          this.#say("502 not here");
          return;
        }
        this.#say("220 go ahead");
        this.#upgrade();
        return;
      case "AUTH":
        this.#auth(rest[0].toUpperCase(), rest[1]);
        return;
      case "MAIL":
        this.#mail = { ...this.#mail, from: /<([^>]*)>/.exec(line)?.[1] ?? "", to: [] };
        this.#say("250 ok");
        return;
      case "RCPT": {
        const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
        const refusal = refuse[address];
        if (!refusal) this.#mail.to.push(address);
        this.#say(refusal ?? "250 ok");
        return;
      }
      case "DATA":
        this.#say("354 go on");
        this.#data = [];
        return;
      case "QUIT":
        this.#say("221 bye");
        this.#socket.end();
        return;
      default:
        this.#say(verb.toUpperCase() === "RSET" || verb.toUpperCase() === "NOOP" ? "250 ok" : "502 what");
    }
  }

  #upgrade(): void {
    const { cert, key } = this.#options.tls!;
    this.#socket.removeAllListeners("data");
    this.#socket = new TLSSocket(this.#socket, { isServer: true, secureContext: createSecureContext({ cert, key }) });
    this.#secure = true;
    this.#buffer = "";
    this.#listen();
  }

  #accept(mechanism: string, user: string, isRight: boolean, identity?: string): void {
    if (isRight) this.#mail.auth = { mechanism, user, ...(identity ? { identity } : {}) };
    this.#say(isRight ? "235 welcome" : "535 no");
  }

  #auth(mechanism: string, initial: string | undefined): void {
    const users = this.#options.users ?? {};
    const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");
    if (mechanism === "PLAIN") {
      const check = (text: string): void => {
        const [identity, user, pass] = decode(text).split("\0");
        this.#accept(mechanism, user, users[user] === pass, identity);
      };
      if (initial !== undefined) check(initial);
      else {
        this.#next = check;
        this.#say("334 ");
      }
    } else if (mechanism === "LOGIN") {
      this.#next = (name) => {
        this.#next = (pass) => this.#accept(mechanism, decode(name), users[decode(name)] === decode(pass));
        this.#say(`334 ${Buffer.from("Password:").toString("base64")}`);
      };
      this.#say(`334 ${Buffer.from("Username:").toString("base64")}`);
    } else if (mechanism === "CRAM-MD5") {
      const challenge = "<1.2@recorder>";
      this.#next = (text) => {
        const [user, digest] = decode(text).split(" ");
        const wanted = createHmac("md5", users[user] ?? "")
          .update(challenge)
          .digest("hex");
        this.#accept(mechanism, user, digest === wanted);
      };
      this.#say(`334 ${Buffer.from(challenge).toString("base64")}`);
    } else this.#say("504 unknown");
  }
}

export class SmtpRecorder implements AsyncDisposable {
  readonly mails: RecordedMail[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: SmtpOptions) {
    this.#server = createServer((raw) => {
      this.#sockets.add(raw);
      raw.on("close", () => this.#sockets.delete(raw));
      const { tls, implicitTls } = options;
      const socket =
        implicitTls && tls
          ? new TLSSocket(raw, { isServer: true, secureContext: createSecureContext({ cert: tls.cert, key: tls.key }) })
          : raw;
      new Session(socket, options, (mail) => this.mails.push(mail));
    });
  }

  static async start(options: SmtpOptions = {}): Promise<SmtpRecorder> {
    const recorder = new SmtpRecorder(options);
    await new Promise<void>((resolve) => recorder.#server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Headers of a mail, unfolded, names as they came. */
export function mailHeaders(data: string): Record<string, string> {
  const head = data.slice(0, data.indexOf("\r\n\r\n")).replace(/\r\n[ \t]+/g, " ");
  return Object.fromEntries(
    head.split("\r\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}

/** The alternatives of a mail by type, decoded. */
export function mailParts(data: string): Record<string, string> {
  const boundary = /boundary=(\S+)/.exec(mailHeaders(data)["Content-Type"] ?? "")?.[1] ?? "";
  const out: Record<string, string> = {};
  for (const part of data.split(`--${boundary}`).slice(1, -1)) {
    const at = part.indexOf("\r\n\r\n");
    const type = /Content-Type: ([^;]+)/.exec(part.slice(0, at))?.[1] ?? "";
    const bytes: number[] = [];
    const body = part
      .slice(at + 4)
      .replace(/\r\n$/, "")
      .replace(/=\r\n/g, "");
    for (let i = 0; i < body.length; i++) {
      if (body[i] === "=") {
        bytes.push(Number.parseInt(body.slice(i + 1, i + 3), 16));
        i += 2;
      } else bytes.push(...Buffer.from(body[i]));
    }
    out[type] = Buffer.from(bytes).toString("utf8");
  }
  return out;
}
