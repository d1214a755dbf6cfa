/** ecs_sd_configs: tasks of ECS' clusters, with what is known of the machines they run on. */
import type { TargetLabels } from "@pharos/model";
import type { Json } from "../../api/json.ts";
import { batches, inParallel } from "../../api/parallel.ts";
import { defined, joinHostPort, sanitize } from "../../labels.ts";
import { type AwsClient, numbered } from "./client.ts";
import { type AwsConfig, type AwsRole, roleMechanism } from "./config.ts";
import { describeReservations } from "./ec2.ts";
import { members, tagLabels } from "./fields.ts";

const PREFIX = "__meta_ecs_";
/** What one call describes at most. */
const DESCRIBED = 100;
const DESCRIBED_SERVICES = 10;

/** A machine of EC2 that tasks run on. */
export interface Machine {
  privateIp: string;
  publicIp: string;
  subnetId: string;
  type: string;
  tags: TargetLabels;
}

/** What is known around a cluster's tasks. */
export interface ClusterScope {
  cluster: Json;
  /** By name. */
  services: ReadonlyMap<string, Json>;
  /** Ids of machines by the ARN of the container instance. */
  machineIds: ReadonlyMap<string, string>;
  machines: ReadonlyMap<string, Machine>;
  /** Public addresses by network interface. */
  publicIps: ReadonlyMap<string, string>;
  region: string;
  port: number;
}

const optional = (json: Json | undefined, key: string): string | undefined =>
  json?.get(key).exists ? json.text(key) : undefined;

function jsonTags(prefix: string, json: Json | undefined): TargetLabels {
  const tags = (json?.items("tags") ?? []).filter((tag) => tag.get("key").exists && tag.get("value").exists);
  return Object.fromEntries(tags.map((tag) => [prefix + sanitize(tag.text("key")), tag.text("value")]));
}

/** Details of a task's own network interface; undefined when it shares its machine's. */
function interfaceDetails(task: Json): Map<string, string> | undefined {
  const own = task.items("attachments").find((attachment) => attachment.text("type") === "ElasticNetworkInterface");
  if (!own) return undefined;
  const details = own.items("details").filter((detail) => detail.get("value").exists);
  return new Map(details.map((detail) => [detail.text("name"), detail.text("value")]));
}

/** Labels of a task; none when it has no address. */
export function taskLabels(task: Json, scope: ClusterScope): TargetLabels[] {
  const { cluster, services, machineIds, machines, publicIps, region, port } = scope;
  const details = interfaceDetails(task);
  const instanceArn = optional(task, "containerInstanceArn");
  const machineId = instanceArn === undefined ? undefined : machineIds.get(instanceArn);
  const machine = machineId === undefined ? undefined : machines.get(machineId);
  const ip = details ? details.get("privateIPv4Address") : machine?.privateIp;
  if (!ip) return [];
  const group = optional(task, "group");
  const service = group?.startsWith("service:") ? services.get(group.slice("service:".length)) : undefined;
  return [
    {
      ...defined({
        __address__: joinHostPort(ip, port),
        [`${PREFIX}ip_address`]: ip,
        [`${PREFIX}region`]: region,
        [`${PREFIX}launch_type`]: task.text("launchType"),
        [`${PREFIX}health_status`]: task.text("healthStatus"),
        [`${PREFIX}network_mode`]: details ? "awsvpc" : "bridge",
        [`${PREFIX}cluster_arn`]: optional(cluster, "clusterArn"),
        [`${PREFIX}cluster`]: optional(cluster, "clusterName"),
        [`${PREFIX}task_group`]: group,
        [`${PREFIX}task_arn`]: optional(task, "taskArn"),
        [`${PREFIX}task_definition`]: optional(task, "taskDefinitionArn"),
        [`${PREFIX}availability_zone`]: optional(task, "availabilityZone"),
        [`${PREFIX}desired_status`]: optional(task, "desiredStatus"),
        [`${PREFIX}last_status`]: optional(task, "lastStatus"),
        [`${PREFIX}subnet_id`]: (details ? details.get("subnetId") : machine?.subnetId) || undefined,
        [`${PREFIX}container_instance_arn`]: instanceArn,
        [`${PREFIX}ec2_instance_id`]: machineId,
        [`${PREFIX}ec2_instance_type`]: machine?.type || undefined,
        [`${PREFIX}ec2_instance_private_ip`]: machine?.privateIp || undefined,
        [`${PREFIX}ec2_instance_public_ip`]: machine?.publicIp || undefined,
        [`${PREFIX}public_ip`]:
          (details ? publicIps.get(details.get("networkInterfaceId") ?? "") : machine?.publicIp) || undefined,
        [`${PREFIX}platform_family`]: optional(task, "platformFamily"),
        [`${PREFIX}platform_version`]: optional(task, "platformVersion"),
        [`${PREFIX}service`]: optional(service, "serviceName"),
        [`${PREFIX}service_arn`]: optional(service, "serviceArn"),
        [`${PREFIX}service_status`]: optional(service, "status"),
      }),
      ...jsonTags(`${PREFIX}tag_cluster_`, cluster),
      ...jsonTags(`${PREFIX}tag_service_`, service),
      ...jsonTags(`${PREFIX}tag_task_`, task),
      ...machine?.tags,
    },
  ];
}

class Ecs {
  readonly #aws: AwsClient;
  readonly #config: AwsConfig;

  constructor(aws: AwsClient, config: AwsConfig) {
    this.#aws = aws;
    this.#config = config;
  }

  async clusters(): Promise<Json[]> {
    const { clusters } = this.#config;
    const wanted = clusters.length > 0 ? clusters : await this.#arns("ListClusters", "clusterArns", {});
    return this.#describe("DescribeClusters", "clusters", wanted, DESCRIBED, (some) => ({
      clusters: some,
      include: ["TAGS"],
    }));
  }

  async tasks(cluster: Json, region: string): Promise<{ targets: TargetLabels[]; seen: number }> {
    const arn = cluster.text("clusterArn");
    const taskArns = await this.#arns("ListTasks", "taskArns", { cluster: arn });
    if (taskArns.length === 0) return { targets: [], seen: 0 };
    const serviceArns = await this.#arns("ListServices", "serviceArns", { cluster: arn });
    const include = ["TAGS"];
    const services = await this.#describe("DescribeServices", "services", serviceArns, DESCRIBED_SERVICES, (some) => ({
      cluster: arn,
      services: some,
      include,
    }));
    const tasks = await this.#describe("DescribeTasks", "tasks", taskArns, DESCRIBED, (some) => ({
      cluster: arn,
      tasks: some,
      include,
    }));
    const instanceArns = [...new Set(tasks.map((task) => task.text("containerInstanceArn")))].filter(
      (one) => one !== "",
    );
    const containerInstances = await this.#describe(
      "DescribeContainerInstances",
      "containerInstances",
      instanceArns,
      DESCRIBED,
      (some) => ({ cluster: arn, containerInstances: some }),
    );
    const machineIds = new Map(
      containerInstances.map((one) => [one.text("containerInstanceArn"), one.text("ec2InstanceId")]),
    );
    const scope: ClusterScope = {
      cluster,
      services: new Map(services.map((service) => [service.text("serviceName"), service])),
      machineIds,
      machines: await this.#machines([...new Set(machineIds.values())].filter((id) => id !== "")),
      publicIps: await this.#publicIps(tasks),
      region,
      port: this.#config.port,
    };
    return { targets: tasks.flatMap((task) => taskLabels(task, scope)), seen: tasks.length };
  }

  async #arns(action: string, key: string, input: object): Promise<string[]> {
    const out: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#aws.json("ecs", action, { ...input, nextToken, maxResults: 100 });
      out.push(...page.texts(key));
      nextToken = page.text("nextToken") || undefined;
    } while (nextToken !== undefined);
    return out;
  }

  async #describe(
    action: string,
    key: string,
    arns: readonly string[],
    size: number,
    input: (some: string[]) => object,
  ): Promise<Json[]> {
    const pages = await inParallel(batches(arns, size), this.#config.concurrency, (some) =>
      this.#aws.json("ecs", action, input(some)),
    );
    return pages.flatMap((page) => page.items(key));
  }

  async #machines(ids: readonly string[]): Promise<Map<string, Machine>> {
    if (ids.length === 0) return new Map();
    const reservations = await describeReservations(this.#aws, numbered("InstanceId", ids));
    return new Map(
      reservations
        .flatMap((reservation) => members(reservation, "instancesSet"))
        .filter((instance) => instance.text("privateIpAddress") !== "")
        .map((instance) => [
          instance.text("instanceId"),
          {
            privateIp: instance.text("privateIpAddress"),
            publicIp: instance.text("ipAddress"),
            subnetId: instance.text("subnetId"),
            type: instance.text("instanceType"),
            tags: tagLabels(`${PREFIX}tag_ec2_`, members(instance, "tagSet")),
          },
        ]),
    );
  }

  /** Public addresses of the tasks' own network interfaces. */
  async #publicIps(tasks: readonly Json[]): Promise<Map<string, string>> {
    const ids = tasks.map((task) => interfaceDetails(task)?.get("networkInterfaceId") ?? "").filter((id) => id !== "");
    const out = new Map<string, string>();
    if (ids.length === 0) return out;
    let token: string | undefined;
    do {
      const parameters = { ...numbered("NetworkInterfaceId", ids), NextToken: token };
      const page = await this.#aws.query("ec2", "DescribeNetworkInterfaces", parameters);
      for (const one of members(page, "networkInterfaceSet")) {
        const ip = one.text("association", "publicIp");
        if (ip !== "") out.set(one.text("networkInterfaceId"), ip);
      }
      token = page.text("nextToken") || undefined;
    } while (token !== undefined);
    return out;
  }
}

export const ecsRole: AwsRole = {
  name: "ecs",
  things: "tasks",
  clusters: true,
  // ECS takes 20 reading requests a second.
  concurrency: 20,
  open(aws, config) {
    const ecs = new Ecs(aws, config);
    return async () => {
      const region = await aws.region();
      // Each cluster asks for several things at once already.
      const found = await inParallel(await ecs.clusters(), 4, (cluster) => ecs.tasks(cluster, region));
      return {
        targets: found.flatMap(({ targets }) => targets),
        seen: found.reduce((sum, { seen }) => sum + seen, 0),
      };
    };
  },
};

export const ecsMechanism = roleMechanism(ecsRole);
