/** Signed requests to AWS: the query protocol with its XML, the JSON protocol, REST with JSON. */
import { AwsIdentity, awsDomain, awsForm, signV4 } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type Api, ApiStatusError } from "../../api/client.ts";
import { Json } from "../../api/json.ts";
import { parseXml, type XmlElement } from "../../api/xml.ts";
import type { Session } from "../../refresh.ts";
import type { AwsConfig } from "./config.ts";

const FORM = "application/x-www-form-urlencoded; charset=utf-8";
const JSON_11 = "application/x-amz-json-1.1";
/** Versions of the query APIs. */
const VERSIONS = { ec2: "2016-11-15", rds: "2014-10-31", elasticache: "2015-02-02" };
/** Prefixes of operations of the JSON APIs. */
const TARGETS = { ecs: "AmazonEC2ContainerServiceV20141113", lightsail: "Lightsail_20161128" };
/** How services are named in host names and signatures, where it differs. */
const HOSTS: Readonly<Record<string, string>> = { msk: "kafka" };

export type Parameters = Readonly<Record<string, string | undefined>>;

/** `Filter.1.Name`, `Filter.1.Value.1` and so on. */
export function numbered(prefix: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, i) => [`${prefix}.${i + 1}`, value]));
}

export class AwsClient {
  readonly #service: string;
  readonly #config: AwsConfig;
  readonly #session: Session;
  readonly #api: Api;
  readonly #identity: AwsIdentity;

  constructor(service: string, config: AwsConfig, session: Session) {
    this.#service = service;
    this.#config = config;
    this.#session = session;
    this.#api = session.api;
    this.#identity = new AwsIdentity(config.identity, session.api.http);
  }

  region(): Promise<string> {
    return this.#identity.region(this.#session.signal);
  }

  /** An operation of a query API; its result. */
  async query(service: keyof typeof VERSIONS, action: string, parameters: Parameters = {}): Promise<XmlElement> {
    const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const body = awsForm({ Action: action, Version: VERSIONS[service], ...Object.fromEntries(given) });
    const root = parseXml(await this.#send(service, action, "POST", "/", { "content-type": FORM }, body));
    // EC2 has no element around its result.
    return root.find(`${action}Result`) ?? root;
  }

  /** An operation of a JSON API. */
  async json(service: keyof typeof TARGETS, action: string, input: object): Promise<Json> {
    const headers = { "content-type": JSON_11, "x-amz-target": `${TARGETS[service]}.${action}` };
    return Json.parse(await this.#send(service, action, "POST", "/", headers, JSON.stringify(input)));
  }

  /** A GET of a REST API; `path` is encoded, with its query. */
  async rest(service: string, path: string): Promise<Json> {
    return Json.parse(await this.#send(service, path, "GET", path, {}, ""));
  }

  async #endpoint(service: string): Promise<string> {
    const { AWS_ENDPOINT_URL: all, [`AWS_ENDPOINT_URL_${service.toUpperCase()}`]: own } = process.env;
    const given = (service === this.#service && this.#config.serviceEndpoint) || own || all;
    if (given) return (given.includes("://") ? given : `https://${given}`).replace(/\/+$/, "");
    const region = await this.region();
    return `https://${HOSTS[service] ?? service}.${region}.${awsDomain(region)}`;
  }

  async #send(
    service: string,
    action: string,
    method: "GET" | "POST",
    path: string,
    headers: Record<string, string>,
    body: string,
  ): Promise<string> {
    const { signal } = this.#session;
    const url = new URL(`${await this.#endpoint(service)}${path}`);
    const request = {
      method,
      url,
      headers,
      body,
      service: HOSTS[service] ?? service,
      region: await this.region(),
      now: Date.now(),
    };
    const signed = signV4(request, await this.#identity.credentials(signal));
    try {
      const answer = await this.#api.get(String(url), {
        method,
        headers: signed,
        ...(method === "POST" ? { body } : {}),
      });
      return answer.body.toString("utf8");
    } catch (error) {
      if (!(error instanceof ApiStatusError)) throw error;
      // Credentials that were taken back are asked for again the next time.
      if (error.status === 401 || error.status === 403) this.#identity.forget();
      throw new UserError("discovery.status", `${action} fails: HTTP status ${error.status}: ${faultOf(error.body)}`, {
        cause: error,
      });
    }
  }
}

/** Code and message of an error, which is XML or JSON. */
function faultOf(body: string): string {
  const tag = (name: string): string => new RegExp(`<${name}>([^<]{0,1000})</${name}>`).exec(body)?.[1] ?? "";
  const code = tag("Code");
  if (code !== "") return `${code}: ${tag("Message")}`;
  try {
    const answer = Json.parse(body);
    const type = answer.text("__type").replace(/^.*#/, "");
    const message = answer.text("message") || answer.text("Message");
    return type === "" ? message : `${type}: ${message}`;
  } catch {
    return body.slice(0, 200);
  }
}
