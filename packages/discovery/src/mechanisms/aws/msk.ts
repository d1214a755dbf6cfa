/** msk_sd_configs: brokers and controllers of provisioned Kafka clusters of MSK. */
import { awsEncode } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import { withQuery } from "../../api/client.ts";
import type { Json } from "../../api/json.ts";
import { inParallel } from "../../api/parallel.ts";
import { defined, joinHostPort, prefixed } from "../../labels.ts";
import type { AwsClient } from "./client.ts";
import { type AwsRole, roleMechanism } from "./config.ts";

const PREFIX = "__meta_msk_";
const CLUSTER = `${PREFIX}cluster_`;
const NODE = `${PREFIX}node_`;
const BROKER = `${PREFIX}broker_`;

async function pages(aws: AwsClient, path: string, key: string, query: Record<string, string>): Promise<Json[]> {
  const out: Json[] = [];
  let nextToken: string | undefined;
  do {
    const page = await aws.rest("msk", withQuery(path, { ...query, maxResults: "100", nextToken }));
    out.push(...page.items(key));
    nextToken = page.text("nextToken") || undefined;
  } while (nextToken !== undefined);
  return out;
}

function clusterLabels(cluster: Json): TargetLabels {
  const software = cluster.get("provisioned", "currentBrokerSoftwareInfo");
  const jmx = cluster.get("provisioned", "openMonitoring", "prometheus", "jmxExporter");
  return {
    ...defined({
      [`${CLUSTER}name`]: cluster.text("clusterName"),
      [`${CLUSTER}arn`]: cluster.text("clusterArn"),
      [`${CLUSTER}state`]: cluster.text("state"),
      [`${CLUSTER}type`]: cluster.text("clusterType"),
      [`${CLUSTER}version`]: cluster.text("currentVersion"),
      [`${CLUSTER}kafka_version`]: software.text("kafkaVersion"),
      [`${CLUSTER}configuration_arn`]: software.get("configurationArn").exists
        ? software.text("configurationArn")
        : undefined,
      [`${CLUSTER}configuration_revision`]: software.get("configurationRevision").exists
        ? software.integer("configurationRevision")
        : undefined,
      [`${CLUSTER}jmx_exporter_enabled`]: jmx.exists ? String(jmx.flag("enabledInBroker")) : undefined,
    }),
    ...prefixed(`${CLUSTER}tag_`, cluster.textMap("tags")),
  };
}

/** A target for each endpoint of a node. */
export function nodeLabels(cluster: Json, node: Json, port: number): TargetLabels[] {
  const broker = node.get("brokerNodeInfo");
  const controller = node.get("controllerNodeInfo");
  const exporter = cluster.get("provisioned", "openMonitoring", "prometheus", "nodeExporter");
  const kind = broker.exists ? "BROKER" : controller.exists ? "CONTROLLER" : undefined;
  if (kind === undefined) return [];
  const common: TargetLabels = {
    ...clusterLabels(cluster),
    [`${NODE}arn`]: node.text("nodeARN"),
    [`${NODE}added_time`]: node.text("addedToClusterTime"),
    [`${NODE}instance_type`]: node.text("instanceType"),
    [`${NODE}type`]: kind,
    ...(broker.exists && {
      [`${NODE}attached_eni`]: broker.text("attachedENIId"),
      [`${BROKER}id`]: String(Math.round(broker.number("brokerId"))),
      [`${BROKER}client_subnet`]: broker.text("clientSubnet"),
      [`${BROKER}client_vpc_ip`]: broker.text("clientVpcIpAddress"),
      ...(exporter.exists && { [`${BROKER}node_exporter_enabled`]: String(exporter.flag("enabledInBroker")) }),
    }),
  };
  const index = kind === "BROKER" ? `${BROKER}endpoint_index` : `${PREFIX}controller_endpoint_index`;
  const endpoints = (broker.exists ? broker : controller).texts("endpoints");
  return endpoints.map((endpoint, i) => ({
    ...common,
    [index]: String(i),
    __address__: joinHostPort(endpoint, port),
  }));
}

export const mskRole: AwsRole = {
  name: "msk",
  things: "nodes",
  clusters: true,
  concurrency: 10,
  open(aws, { clusters: wanted, concurrency, port }, { log }) {
    async function clusters(): Promise<Json[]> {
      if (wanted.length === 0) {
        return pages(aws, "/api/v2/clusters", "clusterInfoList", { clusterTypeFilter: "PROVISIONED" });
      }
      const all = await inParallel(wanted, concurrency, async (arn) =>
        (await aws.rest("msk", `/api/v2/clusters/${awsEncode(arn)}`)).get("clusterInfo"),
      );
      // Others have no nodes that could be scraped.
      return all.filter((cluster) => {
        const type = cluster.text("clusterType");
        if (type !== "PROVISIONED") log.warn("skipping an MSK cluster that is not provisioned", { type });
        return type === "PROVISIONED";
      });
    }
    return async () => {
      const found = await inParallel(await clusters(), concurrency, async (cluster) => ({
        cluster,
        nodes: await pages(aws, `/v1/clusters/${awsEncode(cluster.text("clusterArn"))}/nodes`, "nodeInfoList", {}),
      }));
      const nodes = found.flatMap(({ cluster, nodes: own }) => own.map((node) => ({ cluster, node })));
      return { targets: nodes.flatMap(({ cluster, node }) => nodeLabels(cluster, node, port)), seen: nodes.length };
    };
  },
};

export const mskMechanism = roleMechanism(mskRole);
