/** elasticache_sd_configs: nodes of ElastiCache's clusters, and serverless caches. */
import type { Logger } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import { inParallel } from "../../api/parallel.ts";
import type { XmlElement } from "../../api/xml.ts";
import { joinHostPort } from "../../labels.ts";
import type { AwsClient } from "./client.ts";
import { type AwsRole, roleMechanism } from "./config.ts";
import { type AwsField, field, fieldLabels, members, tagLabels, time } from "./fields.ts";

const PREFIX = "__meta_elasticache_";
const SERVERLESS = `${PREFIX}serverless_cache_`;
const CLUSTER = `${PREFIX}cache_cluster_`;

const SERVERLESS_FIELDS: readonly AwsField[] = [
  field("ARN", "arn"),
  field("ServerlessCacheName", "name"),
  field("Status", "status"),
  field("Engine", "engine"),
  field("FullEngineVersion", "full_engine_version"),
  field("MajorEngineVersion", "major_engine_version"),
  field("Description", "description"),
  time("CreateTime", "create_time"),
  field("KmsKeyId", "kms_key_id"),
  field("UserGroupId", "user_group_id"),
  field("DailySnapshotTime", "daily_snapshot_time"),
  field("SnapshotRetentionLimit", "snapshot_retention_limit"),
  field("Endpoint.Address", "endpoint_address"),
  field("Endpoint.Port", "endpoint_port"),
  field("ReaderEndpoint.Address", "endpoint_reader_address"),
  field("ReaderEndpoint.Port", "endpoint_reader_port"),
  // Without the underscore, as upstream has them.
  field("CacheUsageLimits.DataStorage.Maximum", "cache_usage_limit_data_storagemaximum"),
  field("CacheUsageLimits.DataStorage.Minimum", "cache_usage_limit_data_storageminimum"),
  field("CacheUsageLimits.DataStorage.Unit", "cache_usage_limit_data_storageunit"),
  field("CacheUsageLimits.ECPUPerSecond.Maximum", "cache_usage_limit_ecpu_per_secondmaximum"),
  field("CacheUsageLimits.ECPUPerSecond.Minimum", "cache_usage_limit_ecpu_per_secondminimum"),
];

const CLUSTER_FIELDS: readonly AwsField[] = [
  field("ARN", "arn"),
  field("CacheClusterId", "cache_cluster_id"),
  field("CacheClusterStatus", "cache_cluster_status"),
  field("AtRestEncryptionEnabled", "at_rest_encryption_enabled"),
  field("AuthTokenEnabled", "auth_token_enabled"),
  time("AuthTokenLastModifiedDate", "auth_token_last_modified"),
  field("AutoMinorVersionUpgrade", "auto_minor_version_upgrade"),
  time("CacheClusterCreateTime", "cache_cluster_create_time"),
  field("CacheNodeType", "cache_node_type"),
  field("CacheParameterGroup.CacheParameterGroupName", "cache_parameter_group"),
  field("CacheSubnetGroupName", "cache_subnet_group_name"),
  field("ClientDownloadLandingPage", "client_download_landing_page"),
  field("ConfigurationEndpoint.Address", "configuration_endpoint_address"),
  field("ConfigurationEndpoint.Port", "configuration_endpoint_port"),
  field("Engine", "engine"),
  field("EngineVersion", "engine_version"),
  field("IpDiscovery", "ip_discovery"),
  field("NetworkType", "network_type"),
  field("NotificationConfiguration.TopicArn", "notification_topic_arn"),
  field("NotificationConfiguration.TopicStatus", "notification_topic_status"),
  field("NumCacheNodes", "num_cache_nodes"),
  field("PreferredAvailabilityZone", "preferred_availability_zone"),
  field("PreferredMaintenanceWindow", "preferred_maintenance_window"),
  field("PreferredOutpostArn", "preferred_outpost_arn"),
  field("ReplicationGroupId", "replication_group_id"),
  field("ReplicationGroupLogDeliveryEnabled", "replication_group_log_delivery_enabled"),
  field("SnapshotRetentionLimit", "snapshot_retention_limit"),
  field("SnapshotWindow", "snapshot_window"),
  field("TransitEncryptionEnabled", "transit_encryption_enabled"),
  field("TransitEncryptionMode", "transit_encryption_mode"),
  field("PendingModifiedValues.AuthTokenStatus", "pending_modified_values_auth_token_status"),
  field("PendingModifiedValues.CacheNodeType", "pending_modified_values_cache_node_type"),
  field("PendingModifiedValues.EngineVersion", "pending_modified_values_engine_version"),
  field("PendingModifiedValues.NumCacheNodes", "pending_modified_values_num_cache_nodes"),
  field("PendingModifiedValues.TransitEncryptionEnabled", "pending_modified_values_transit_encryption_enabled"),
  field("PendingModifiedValues.TransitEncryptionMode", "pending_modified_values_transit_encryption_mode"),
];

const LOG_FIELDS: readonly AwsField[] = [
  field("DestinationType", "destination_type"),
  field("LogFormat", "log_format"),
  field("LogType", "log_type"),
  field("Status", "status"),
  field("Message", "message"),
  field("DestinationDetails.CloudWatchLogsDetails.LogGroup", "log_group"),
  field("DestinationDetails.KinesisFirehoseDetails.DeliveryStream", "delivery_stream"),
];

const SECURITY_GROUP_FIELDS: readonly AwsField[] = [field("SecurityGroupId", "id"), field("Status", "status")];

const NODE_FIELDS: readonly AwsField[] = [
  field("CacheNodeId", "id"),
  field("CacheNodeStatus", "status"),
  time("CacheNodeCreateTime", "create_time"),
  field("CustomerAvailabilityZone", "availability_zone"),
  field("CustomerOutpostArn", "customer_outpost_arn"),
  field("SourceCacheNodeId", "source_cache_node_id"),
  field("ParameterGroupStatus", "parameter_group_status"),
  field("Endpoint.Address", "endpoint_address"),
  field("Endpoint.Port", "endpoint_port"),
];

/** Labels of the members of a list, each numbered from 0. */
function numberedLabels(prefix: string, fields: readonly AwsField[], list: readonly XmlElement[]): TargetLabels {
  const out: TargetLabels = {};
  for (const [i, member] of list.entries()) {
    for (const [name, value] of Object.entries(fieldLabels(prefix, fields, member))) out[`${name}_${i}`] = value;
  }
  return out;
}

/** The address of an endpoint; none when a part of it is missing. */
function addressOf(element: XmlElement): TargetLabels {
  const host = element.text("Endpoint", "Address");
  const port = element.text("Endpoint", "Port");
  return host === "" || port === "" ? {} : { __address__: joinHostPort(host, port) };
}

/** Labels of a serverless cache. */
export function serverlessLabels(cache: XmlElement, tags: readonly XmlElement[]): TargetLabels {
  const numbered = (name: string, list: readonly XmlElement[]) =>
    Object.fromEntries(list.map((member, i) => [`${SERVERLESS}${name}_${i}`, member.text()]));
  return {
    [`${PREFIX}deployment_option`]: "serverless",
    ...fieldLabels(SERVERLESS, SERVERLESS_FIELDS, cache),
    ...numbered("security_group_id", members(cache, "SecurityGroupIds")),
    ...numbered("subnet_id", members(cache, "SubnetIds")),
    ...tagLabels(`${SERVERLESS}tag_`, tags),
    ...addressOf(cache),
  };
}

/** Labels of each node of a cluster. */
export function nodeLabels(cluster: XmlElement, tags: readonly XmlElement[]): TargetLabels[] {
  const removed = members(cluster, "PendingModifiedValues", "CacheNodeIdsToRemove").map((id) => id.text());
  const common: TargetLabels = {
    [`${PREFIX}deployment_option`]: "node",
    ...fieldLabels(CLUSTER, CLUSTER_FIELDS, cluster),
    ...numberedLabels(
      `${CLUSTER}log_delivery_configuration_`,
      LOG_FIELDS,
      members(cluster, "LogDeliveryConfigurations"),
    ),
    ...(removed.length > 0 && { [`${CLUSTER}pending_modified_values_cache_node_ids_to_remove`]: removed.join(",") }),
    ...numberedLabels(
      `${CLUSTER}security_group_membership_`,
      SECURITY_GROUP_FIELDS,
      members(cluster, "SecurityGroups"),
    ),
    ...tagLabels(`${CLUSTER}tag_`, tags),
  };
  return members(cluster, "CacheNodes").map((node) => ({
    ...common,
    ...fieldLabels(`${CLUSTER}node_`, NODE_FIELDS, node),
    ...addressOf(node),
  }));
}

/** Ids of serverless caches and of clusters among ARNs; others are left out. */
function splitArns(arns: readonly string[], log: Logger): { serverless: string[]; clusters: string[] } {
  const out = { serverless: [] as string[], clusters: [] as string[] };
  for (const arn of arns) {
    const [, , , , , type, id] = arn.split(":");
    if (arn !== "" && id === undefined) log.warn("Skipping invalid ElastiCache ARN", { arn });
    else if (type === "serverlesscache") out.serverless.push(id);
    else if (type === "replicationgroup") out.clusters.push(id);
  }
  return out;
}

async function pages(
  aws: AwsClient,
  action: string,
  key: string,
  token: "NextToken" | "Marker",
  parameters: Readonly<Record<string, string>>,
): Promise<XmlElement[]> {
  const out: XmlElement[] = [];
  let next: string | undefined;
  do {
    const page = await aws.query("elasticache", action, { ...parameters, [token]: next });
    out.push(...members(page, key));
    next = page.text(token) || undefined;
  } while (next !== undefined);
  return out;
}

export const elasticacheRole: AwsRole = {
  name: "elasticache",
  things: "caches",
  clusters: true,
  concurrency: 10,
  open(aws, { clusters: wanted, concurrency }, { log }) {
    const { serverless, clusters } = splitArns(wanted, log);
    /** One call for each id, one for all when none is given. */
    const forEach = async (
      ids: readonly string[],
      key: string,
      call: (some: Record<string, string>) => Promise<XmlElement[]>,
    ) => (ids.length === 0 ? call({}) : (await inParallel(ids, concurrency, (id) => call({ [key]: id }))).flat());
    const withTags = (list: readonly XmlElement[]) =>
      inParallel(list, concurrency, async (element) => {
        const arn = element.text("ARN");
        const answer =
          arn === "" ? undefined : await aws.query("elasticache", "ListTagsForResource", { ResourceName: arn });
        return { element, tags: answer ? members(answer, "TagList") : [] };
      });
    return async () => {
      const caches = await forEach(serverless, "ServerlessCacheName", (some) =>
        pages(aws, "DescribeServerlessCaches", "ServerlessCaches", "NextToken", { MaxResults: "50", ...some }),
      );
      const nodes = await forEach(clusters, "CacheClusterId", (some) =>
        pages(aws, "DescribeCacheClusters", "CacheClusters", "Marker", {
          MaxRecords: "100",
          ShowCacheNodeInfo: "true",
          ...some,
        }),
      );
      const targets = [
        ...(await withTags(caches)).map(({ element, tags }) => serverlessLabels(element, tags)),
        ...(await withTags(nodes)).flatMap(({ element, tags }) => nodeLabels(element, tags)),
      ];
      return { targets, seen: caches.length + nodes.length };
    };
  },
};

export const elasticacheMechanism = roleMechanism(elasticacheRole);
