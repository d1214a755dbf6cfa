/** What the AWS mechanisms' sections have in common, and how each of them is also a role of aws_sd_configs. */
import type { AwsSettings } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import type { Mechanism } from "../../mechanism.ts";
import { found, type RefreshBase, refreshMechanism, type Session } from "../../refresh.ts";
import type { Settings } from "../../settings.ts";
import { AwsClient } from "./client.ts";

export interface AwsFilter {
  name: string;
  values: string[];
}

export interface AwsConfig {
  identity: AwsSettings;
  /** "": AWS' own of the region. */
  serviceEndpoint: string;
  port: number;
  filters: AwsFilter[];
  /** Names or ARNs; none: all. */
  clusters: string[];
  /** Requests at once. */
  concurrency: number;
}

export interface AwsFound {
  targets: TargetLabels[];
  seen: number;
}

export interface AwsRole {
  name: "ec2" | "ecs" | "elasticache" | "lightsail" | "msk" | "rds";
  things: string;
  /** Keys its section has beside the common ones. */
  filters?: boolean;
  clusters?: boolean;
  concurrency?: number;
  /** Called once for each run. */
  open(aws: AwsClient, config: AwsConfig, session: Session): () => Promise<AwsFound>;
}

export function parseFilters(settings: Settings): AwsFilter[] {
  return (settings.given("filters")?.items() ?? []).map((item) => {
    const map = item.map();
    const filter = { name: map.get("name")?.string() ?? "", values: map.get("values")?.strings() ?? [] };
    map.done("aws.Filter");
    return filter;
  });
}

/** The keys all roles have. */
export function parseCommon(settings: Settings): Pick<AwsConfig, "identity" | "serviceEndpoint" | "port"> {
  return {
    serviceEndpoint: settings.text("endpoint"),
    identity: {
      region: settings.text("region"),
      accessKey: settings.text("access_key"),
      secretKey: settings.secret("secret_key"),
      profile: settings.text("profile"),
      roleArn: settings.text("role_arn"),
      externalId: settings.text("external_id"),
    },
    port: settings.integer("port", 80),
  };
}

/** Refreshes as the role says, whichever section it came from. */
export function openRole(role: AwsRole, config: AwsConfig & RefreshBase, session: Session) {
  const aws = new AwsClient(role.name, config, session);
  const lookup = role.open(aws, config, session);
  return async () => {
    const region = await aws.region();
    const { targets, seen } = await lookup();
    return found(region, targets, seen);
  };
}

export function awsPlace(role: AwsRole["name"], { identity, serviceEndpoint }: AwsConfig): string {
  return `${serviceEndpoint || `AWS ${role}`} (region ${identity.region || "of the environment"})`;
}

/** The mechanism `<role>_sd_configs`. */
export function roleMechanism(role: AwsRole): Mechanism<AwsConfig & RefreshBase> {
  return refreshMechanism<AwsConfig>({
    name: role.name,
    type: "aws.plain",
    things: role.things,
    parse(settings) {
      const filters = role.filters ? parseFilters(settings) : [];
      if (role.name === "ec2" && filters.some(({ values }) => values.length === 0)) {
        throw settings.fail("EC2 SD configuration filter values cannot be empty");
      }
      return {
        ...parseCommon(settings),
        filters,
        clusters: role.clusters ? settings.texts("clusters") : [],
        concurrency: role.concurrency === undefined ? 1 : settings.integer("request_concurrency", role.concurrency),
      };
    },
    place: (config) => awsPlace(role.name, config),
    open: (config, session) => openRole(role, config, session),
  });
}
