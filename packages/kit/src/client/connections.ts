/** The connections of an HTTP client: direct or through a proxy, made anew when a TLS file was replaced. */
import { lookup } from "node:dns";
import { readFileSync, statSync } from "node:fs";
import type { LookupFunction } from "node:net";
import { Agent, type Dispatcher, interceptors, ProxyAgent } from "undici";
import type { ProxyConfig, TlsClientConfig } from "./config.ts";
import { type ProxyChoice, proxyChoice } from "./proxy.ts";

/** Redirects followed at most, as Go's client does. */
const MAX_REDIRECTS = 10;
/** How often replaced certificate files are looked for. */
const TLS_CHECK_MS = 5_000;

function connectOptions(tls: TlsClientConfig) {
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, "utf8");
  return {
    ca: tls.ca ?? file(tls.caFile),
    cert: tls.cert ?? file(tls.certFile),
    key: tls.key?.reveal() ?? file(tls.keyFile),
    servername: tls.serverName,
    rejectUnauthorized: !tls.insecureSkipVerify,
    minVersion: tls.minVersion as "TLSv1.2" | undefined,
    maxVersion: tls.maxVersion as "TLSv1.3" | undefined,
  };
}

/** Changes when one of the files does. */
function stampOf(files: readonly string[]): string {
  return files
    .map((path) => {
      const { mtimeMs, size, ino } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: 0, ino: 0 };
      return `${mtimeMs}/${size}/${ino}`;
    })
    .join(" ");
}

export interface ConnectionOptions {
  tls: TlsClientConfig;
  proxy: ProxyConfig;
  followRedirects: boolean;
  /** Connects to this socket whatever the URL's host; no proxy then. */
  socketPath?: string;
  /** Each new connection goes to a random one of the host's addresses. */
  roundRobinDns?: boolean;
}

/** A host's addresses in random order; who asks for one gets the first. */
const randomLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) {
      callback(error, "");
      return;
    }
    const order = addresses.map((address) => ({ address, key: Math.random() })).sort((a, b) => a.key - b.key);
    const mixed = order.map(({ address }) => address);
    if (options.all) callback(null, mixed);
    else callback(null, mixed[0].address, mixed[0].family);
  });
};

export class Connections implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #choose: ProxyChoice | undefined;
  readonly #files: string[];
  readonly #dispatchers = new Map<string, { raw: Dispatcher; used: Dispatcher }>();
  #stamp: string;
  #checked = Date.now();

  /** Throws when a TLS file cannot be read. */
  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#choose = options.socketPath ? undefined : proxyChoice(options.proxy);
    const { caFile, certFile, keyFile } = options.tls;
    this.#files = [caFile, certFile, keyFile].filter((path) => path !== undefined);
    this.#stamp = stampOf(this.#files);
    this.#make("");
  }

  /** Connections to use for this URL. */
  to(url: URL): Dispatcher {
    this.#checkFiles();
    const proxy = this.#choose?.(url) ?? "";
    return (this.#dispatchers.get(proxy) ?? this.#make(proxy)).used;
  }

  isDirect(url: URL): boolean {
    return this.#options.socketPath === undefined && this.#choose?.(url) === undefined;
  }

  #make(proxy: string): { raw: Dispatcher; used: Dispatcher } {
    const { tls, followRedirects, socketPath, roundRobinDns } = this.#options;
    const connect = {
      ...connectOptions(tls),
      ...(socketPath ? { socketPath } : {}),
      ...(roundRobinDns ? { lookup: randomLookup } : {}),
    };
    const raw =
      proxy === ""
        ? new Agent({ connect, connections: null, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
        : new ProxyAgent({
            uri: proxy,
            requestTls: connect,
            headers: this.#proxyHeaders(),
            headersTimeout: 0,
            bodyTimeout: 0,
          });
    const redirect = interceptors.redirect({ maxRedirections: MAX_REDIRECTS });
    const made = { raw, used: followRedirects ? raw.compose(redirect) : raw };
    this.#dispatchers.set(proxy, made);
    return made;
  }

  #proxyHeaders(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.#options.proxy.proxyHeaders).map(([name, values]) => [name, values.join(", ")]),
    );
  }

  /** Certificates are rotated under running programs: new ones take effect, what is under way ends on the old. */
  #checkFiles(): void {
    if (this.#files.length === 0 || Date.now() - this.#checked < TLS_CHECK_MS) return;
    this.#checked = Date.now();
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return;
    const old = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    try {
      this.#make("");
    } catch {
      // Half written: the old connections serve until the files can be read.
      for (const dispatcher of old.slice(0, 1)) this.#dispatchers.set("", dispatcher);
      return;
    }
    this.#stamp = stamp;
    for (const { raw } of old) void raw.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map(({ raw }) => raw.destroy()));
    this.#dispatchers.clear();
  }
}
