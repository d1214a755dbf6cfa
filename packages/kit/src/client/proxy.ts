/** Which proxy a request goes through, with the rules of Go's httpproxy. */
import { BlockList, isIP } from "node:net";
import type { ProxyConfig } from "./config.ts";

/** One entry of a no_proxy list. */
type Exception = (host: string, port: string) => boolean;

function parseException(entry: string): Exception {
  if (entry === "*") return () => true;
  const slash = entry.indexOf("/");
  if (slash > 0 && isIP(entry.slice(0, slash))) {
    const family = isIP(entry.slice(0, slash)) === 6 ? "ipv6" : "ipv4";
    const list = new BlockList();
    try {
      list.addSubnet(entry.slice(0, slash), Number(entry.slice(slash + 1)), family);
    } catch {
      return () => false;
    }
    return (host) => isIP(host) !== 0 && list.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
  }
  const [, name, port] = /^(\[[^\]]+\]|[^:]*(?::[^:]*:.*)?)(?::(\d+))?$/.exec(entry) ?? ["", entry, undefined];
  const bare = name.replace(/^\[|\]$/g, "").toLowerCase();
  const samePort = (actual: string): boolean => port === undefined || port === actual;
  if (isIP(bare)) return (host, actual) => host === bare && samePort(actual);
  // `example.com` is the domain and what is below it, `.example.com` only the latter.
  const below = bare.startsWith(".") ? bare : `.${bare}`;
  return (host, actual) => samePort(actual) && (host.endsWith(below) || (!bare.startsWith(".") && host === bare));
}

function parseExceptions(list: string): Exception[] {
  return list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map(parseException);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Address of the proxy for a URL; undefined for none. */
export type ProxyChoice = (url: URL) => string | undefined;

export function proxyChoice(
  { proxyUrl, noProxy, proxyFromEnvironment }: ProxyConfig,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ProxyChoice | undefined {
  const variable = (name: string): string => env[name.toUpperCase()] ?? env[name] ?? "";
  const exceptions = parseExceptions(proxyFromEnvironment ? variable("no_proxy") : noProxy);
  const choose = (protocol: string): string | undefined => {
    const address = proxyFromEnvironment ? variable(protocol === "https:" ? "https_proxy" : "http_proxy") : proxyUrl;
    if (!address) return undefined;
    return address.includes("://") ? address : `http://${address}`;
  };
  if (!choose("http:") && !choose("https:")) return undefined;
  // A plain proxy_url is meant for everything; with a list of exceptions, or from the environment, this machine is one.
  const sparesLoopback = proxyFromEnvironment || noProxy !== "";
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    if (sparesLoopback && isLoopback(host)) return undefined;
    if (exceptions.some((exception) => exception(host, port))) return undefined;
    return choose(url.protocol);
  };
}
