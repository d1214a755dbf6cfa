/** Reads one section of a mechanism: every key once, with its default, and complaints at its place. */
import { dirname, isAbsolute, join } from "node:path";
import { Secret, type YamlMap, type YamlNode } from "@pharos/kit";
import type { UserError } from "@pharos/model";

export class Settings {
  readonly map: YamlMap;

  constructor(node: YamlNode) {
    this.map = node.map();
  }

  /** The node of a key that is given and not null. */
  given(key: string): YamlNode | undefined {
    const node = this.map.get(key);
    return node && !node.isNull ? node : undefined;
  }

  text(key: string, fallback = ""): string {
    return this.given(key)?.string() ?? fallback;
  }

  integer(key: string, fallback: number): number {
    return this.given(key)?.integer() ?? fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    return this.given(key)?.boolean() ?? fallback;
  }

  texts(key: string): string[] {
    return this.given(key)?.strings() ?? [];
  }

  textMap(key: string): Record<string, string> {
    return this.given(key)?.stringMap() ?? {};
  }

  /** Undefined when it is empty. */
  secret(key: string): Secret | undefined {
    const text = this.text(key);
    return text === "" ? undefined : new Secret(text);
  }

  /** ms; 0 means the fallback. */
  duration(key: string, fallback: number): number {
    return this.given(key)?.duration() || fallback;
  }

  /** A path, relative to the configuration's file; "" when there is none. */
  file(key: string): string {
    const path = this.text(key);
    const base = this.map.node.where.file;
    return path === "" || isAbsolute(path) || !base ? path : join(dirname(base), path);
  }

  /** One of a few words; `complaint` says what is wrong with another one. "" when there is none. */
  choice<T extends string>(key: string, choices: readonly T[], complaint: (given: string) => string): T | "" {
    const node = this.given(key);
    const text = node?.string() ?? "";
    const found = choices.find((choice) => choice === text);
    if (found === undefined && node) throw node.error(complaint(JSON.stringify(text)), { code: "discovery.config" });
    return found ?? "";
  }

  fail(message: string, fix?: string): UserError {
    return this.map.node.error(message, { code: "discovery.config", ...(fix === undefined ? {} : { fix }) });
  }
}

/** Throws, in upstream's words, for what is no http or https URL. */
export function checkHttpUrl(url: string, settings: Settings): void {
  if (url === "") throw settings.fail("URL is missing");
  if (!/^https?:/i.test(url)) throw settings.fail("URL scheme must be 'http' or 'https'");
  if (/^https?:(?!\/\/[^/?#])/i.test(url)) throw settings.fail("host is missing in URL");
  if (!URL.canParse(url)) throw settings.fail(`${JSON.stringify(url)} is not a valid URL`);
}
