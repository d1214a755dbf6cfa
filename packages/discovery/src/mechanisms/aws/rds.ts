/** rds_sd_configs: instances of RDS' database clusters (Aurora). */
import type { TargetLabels } from "@pharos/model";
import { UserError } from "@pharos/model";
import { inParallel } from "../../api/parallel.ts";
import type { XmlElement } from "../../api/xml.ts";
import { joinHostPort } from "../../labels.ts";
import { type AwsClient, numbered } from "./client.ts";
import { type AwsFilter, type AwsRole, roleMechanism } from "./config.ts";
import { fieldLabels, members, tagLabels } from "./fields.ts";
import { CLUSTER_FIELDS, INSTANCE_FIELDS } from "./rds-fields.ts";

const CLUSTER = "__meta_rds_cluster_";
const INSTANCE = "__meta_rds_instance_";

async function pages(
  aws: AwsClient,
  action: string,
  key: string,
  parameters: Readonly<Record<string, string>>,
): Promise<XmlElement[]> {
  const out: XmlElement[] = [];
  let marker: string | undefined;
  do {
    const page = await aws.query("rds", action, { ...parameters, MaxRecords: "100", Marker: marker });
    out.push(...members(page, key));
    marker = page.text("Marker") || undefined;
  } while (marker !== undefined);
  return out;
}

function filterParameters(filters: readonly AwsFilter[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [i, { name, values }] of filters.entries()) {
    out[`Filters.Filter.${i + 1}.Name`] = name;
    Object.assign(out, numbered(`Filters.Filter.${i + 1}.Values.Value`, values));
  }
  return out;
}

/** Labels of an instance of a cluster. */
export function instanceLabels(cluster: XmlElement, instance: XmlElement, port: number): TargetLabels {
  const id = instance.text("DBInstanceIdentifier");
  const writer = members(cluster, "DBClusterMembers")
    .find((member) => id !== "" && member.text("DBInstanceIdentifier") === id)
    ?.text("IsClusterWriter");
  const address = instance.text("Endpoint", "Address");
  const reachable = address !== "" && instance.text("Endpoint", "Port") !== "";
  return {
    ...fieldLabels(CLUSTER, CLUSTER_FIELDS, cluster),
    ...tagLabels(`${CLUSTER}tag_`, members(cluster, "TagList")),
    ...fieldLabels(INSTANCE, INSTANCE_FIELDS, instance),
    ...(writer && { [`${INSTANCE}is_cluster_writer`]: writer }),
    ...tagLabels(`${INSTANCE}tag_`, members(instance, "TagList")),
    // The database's own port speaks SQL: the configured one is an exporter's.
    ...(reachable && { __address__: joinHostPort(address, port) }),
  };
}

export const rdsRole: AwsRole = {
  name: "rds",
  things: "instances",
  clusters: true,
  filters: true,
  concurrency: 10,
  open(aws, { clusters: wanted, filters, concurrency, port }) {
    async function clusters(): Promise<XmlElement[]> {
      if (wanted.length === 0) return pages(aws, "DescribeDBClusters", "DBClusters", {});
      const found = await inParallel(wanted, concurrency, async (arn) => {
        const own = await pages(aws, "DescribeDBClusters", "DBClusters", { DBClusterIdentifier: arn });
        if (own.length === 0) throw new UserError("discovery.answer", `no DB cluster found for ARN ${arn}`);
        return own;
      });
      return found.flat();
    }
    return async () => {
      const found = await inParallel(await clusters(), concurrency, async (cluster) => {
        const own = [{ name: "db-cluster-id", values: [cluster.text("DBClusterArn")] }, ...filters];
        return { cluster, instances: await pages(aws, "DescribeDBInstances", "DBInstances", filterParameters(own)) };
      });
      const targets = found.flatMap(({ cluster, instances }) =>
        instances.map((instance) => instanceLabels(cluster, instance, port)),
      );
      return { targets, seen: targets.length };
    };
  },
};

export const rdsMechanism = roleMechanism(rdsRole);
