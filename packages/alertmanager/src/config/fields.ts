/**
 * Fields of configuration blocks as data: a block is a table of named fields, each of which knows how its value is read and what
 * stands for it when it is absent. The types of the settings follow from the tables. Errors are worded as upstream's.
 */

import { parseGoDuration } from "@pharos/gotemplate";
import { parseTlsClientConfig, Secret, type TlsClientConfig, type YamlMap, type YamlNode } from "@pharos/kit";
import { describeError, type UserError } from "@pharos/model";

export interface Field<T> {
  /** `node` is undefined when the key is absent. */
  read(node: YamlNode | undefined): T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ValuesOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A complaint about this place in the configuration. */
export function configError(node: YamlNode, message: string, cause?: unknown): UserError {
  return node.error(message, { code: "alertmanager.config", cause });
}

/** Reads the fields of a map; the caller reads the rest and refuses what is left with `map.done`. */
export function readFields<F extends Fields>(map: YamlMap, fields: F): ValuesOf<F> {
  const entries = Object.entries(fields).map(([name, field]) => [name, field.read(map.get(name))]);
  return Object.fromEntries(entries) as ValuesOf<F>;
}

/** Reads a whole map; `goType` is what upstream calls it in `field x not found in type …`. */
export function readBlock<F extends Fields>(node: YamlNode, fields: F, goType: string): ValuesOf<F> {
  const map = node.map();
  const values = readFields(map, fields);
  map.done(goType);
  return values;
}

function present(node: YamlNode | undefined): node is YamlNode {
  return node !== undefined && !node.isNull;
}

export function text(fallback = ""): Field<string> {
  return { read: (node) => (node ? node.string() : fallback) };
}

export function flag(fallback = false): Field<boolean> {
  return { read: (node) => (present(node) ? node.boolean() : fallback) };
}

export function optionalFlag(): Field<boolean | undefined> {
  return { read: (node) => (present(node) ? node.boolean() : undefined) };
}

export function whole(options: { min?: number } = {}): Field<number> {
  return {
    read(node) {
      const value = present(node) ? node.integer() : 0;
      if (options.min !== undefined && value < options.min)
        throw configError(node!, `must not be less than ${options.min}`);
      return value;
    },
  };
}

/** A whole number of 64 bits as its digits: chat ids are larger than numbers can hold. */
export function digits(): Field<string> {
  return {
    read(node) {
      if (!present(node)) return "0";
      const value = node.string().replaceAll("_", "");
      if (!/^[-+]?\d{1,19}$/.test(value))
        throw configError(node, `must be a whole number, not ${JSON.stringify(value)}`);
      return String(BigInt(value.replace(/^\+/, "")));
    },
  };
}

/** Never empty: an empty secret is none. */
export function secret(): Field<Secret | undefined> {
  return { read: (node) => (present(node) && node.string() !== "" ? new Secret(node.string()) : undefined) };
}

/** Checks a URL as upstream does. The text may hold a secret: it is not repeated. */
function checkUrl(node: YamlNode): string {
  const value = node.string();
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(value)?.[1]?.toLowerCase() ?? "";
  if (scheme !== "http" && scheme !== "https")
    throw configError(node, `unsupported scheme ${JSON.stringify(scheme)} for URL`);
  if (!/^[a-zA-Z]+:\/\/[^/?#]/.test(value)) throw configError(node, "missing host for URL");
  if (!URL.canParse(value)) throw configError(node, "not a valid URL");
  return value;
}

export function url(fallback?: string): Field<string | undefined> {
  return { read: (node) => (present(node) ? checkUrl(node) : fallback) };
}

/** What an API shows in place of a secret; a configuration that was read back from there loads. */
export const SECRET_TOKEN = "<secret>";

export function secretUrl(): Field<Secret | undefined> {
  return {
    read(node) {
      if (!present(node)) return undefined;
      return new Secret(node.string() === SECRET_TOKEN ? "" : checkUrl(node));
    },
  };
}

/** A URL that may be a template: only one without actions is checked as a URL. */
export function templateUrl(checkTemplate: (text: string) => void): Field<Secret | undefined> {
  return {
    read(node) {
      if (!present(node) || node.string() === "") return undefined;
      const value = node.string();
      if (value === SECRET_TOKEN) return new Secret(value);
      if (value.includes("{{")) {
        try {
          checkTemplate(value);
        } catch (error) {
          throw configError(node, `invalid template syntax: ${describeError(error)}`, error);
        }
        return new Secret(value);
      }
      try {
        checkUrl(node);
      } catch (error) {
        throw configError(node, `invalid URL: ${(error as Error).message}`, error);
      }
      return new Secret(value);
    },
  };
}

/** Milliseconds of a Go duration (`1h2m3.5s`), or of a bare number of nanoseconds, as YAML decodes into Go's time.Duration. */
export function goDuration(fallbackMs = 0): Field<number> {
  return {
    read(node) {
      if (!present(node)) return fallbackMs;
      const value = node.string();
      if (/^-?\d+$/.test(value)) return Number(value) / 1e6;
      const nanoseconds = parseGoDuration(value);
      if (nanoseconds === undefined) throw configError(node, `time: invalid duration ${JSON.stringify(value)}`);
      return Number(nanoseconds) / 1e6;
    },
  };
}

/** Milliseconds of a Prometheus duration. */
export function duration(fallbackMs = 0): Field<number> {
  return { read: (node) => (present(node) ? node.duration() : fallbackMs) };
}

export function list<T>(item: (node: YamlNode) => T): Field<T[]> {
  return { read: (node) => (node?.items() ?? []).map(item) };
}

export function texts(): Field<string[]> {
  return { read: (node) => node?.strings() ?? [] };
}

export function textMap(): Field<Record<string, string>> {
  return { read: (node) => node?.stringMap() ?? {} };
}

/** A nested block; its fields' defaults when it is absent. */
export function block<F extends Fields>(fields: F, goType: string): Field<ValuesOf<F>> {
  return {
    read(node) {
      if (present(node)) return readBlock(node, fields, goType);
      return Object.fromEntries(
        Object.entries(fields).map(([name, field]) => [name, field.read(undefined)]),
      ) as ValuesOf<F>;
    },
  };
}

export function optionalBlock<F extends Fields>(fields: F, goType: string): Field<ValuesOf<F> | undefined> {
  return { read: (node) => (present(node) ? readBlock(node, fields, goType) : undefined) };
}

/** Any YAML: strings, numbers, booleans, lists and maps. */
export function anything(): Field<unknown> {
  return { read: (node) => (present(node) ? node.toValue() : undefined) };
}

export function anyMap(): Field<Record<string, unknown>> {
  return {
    read: (node) => Object.fromEntries((node?.entries() ?? []).map(([key, value]) => [key, value.toValue()])),
  };
}

export interface HostPort {
  host: string;
  port: string;
}

/** `host:port`; the host may be empty, the port may not. */
export function hostPort(): Field<HostPort | undefined> {
  return {
    read(node) {
      if (!present(node) || node.string() === "") return undefined;
      const value = node.string();
      const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(value);
      if (!match)
        throw configError(
          node,
          `address ${value}: ${value.includes(":") ? "too many colons in address" : "missing port in address"}`,
        );
      if (match[3] === "") throw configError(node, `address ${JSON.stringify(value)}: port cannot be empty`);
      return { host: match[1] ?? match[2], port: match[3] };
    },
  };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function tls(): Field<TlsClientConfig | undefined> {
  return { read: (node) => (present(node) ? parseTlsClientConfig(node) : undefined) };
}
