/** dockerswarm_sd_configs: services, tasks and nodes of a Docker swarm. */
import type { TargetLabels } from "@pharos/model";
import type { Json } from "../../api/json.ts";
import { joinHostPort, prefixed } from "../../labels.ts";
import { type Found, found, refreshMechanism } from "../../refresh.ts";
import { addressOf, DockerEngine, type DockerHost, parseDockerHost, socketOf } from "./engine.ts";

const PREFIX = "__meta_dockerswarm_";
const NODE = `${PREFIX}node_`;
const SERVICE = `${PREFIX}service_`;
const TASK = `${PREFIX}task_`;
const SOURCE = "DockerSwarm";
const ROLES = ["services", "nodes", "tasks"] as const;

interface SwarmConfig extends DockerHost {
  role: (typeof ROLES)[number];
  port: number;
}

/** Labels of a node that its tasks have as well. */
function nodeLabels(node: Json): TargetLabels {
  return {
    [`${NODE}id`]: node.text("ID"),
    [`${NODE}role`]: node.text("Spec", "Role"),
    [`${NODE}availability`]: node.text("Spec", "Availability"),
    [`${NODE}hostname`]: node.text("Description", "Hostname"),
    [`${NODE}platform_architecture`]: node.text("Description", "Platform", "Architecture"),
    [`${NODE}platform_os`]: node.text("Description", "Platform", "OS"),
    [`${NODE}status`]: node.text("Status", "State"),
    [`${NODE}address`]: node.text("Status", "Addr"),
    ...prefixed(`${NODE}label_`, node.textMap("Spec", "Labels")),
  };
}

/** Labels of a service that its tasks have as well. */
function serviceLabels(service: Json): TargetLabels {
  const mode = service.get("Spec", "Mode");
  return {
    [`${SERVICE}id`]: service.text("ID"),
    [`${SERVICE}name`]: service.text("Spec", "Name"),
    [`${SERVICE}mode`]: mode.get("Global").exists ? "global" : mode.get("Replicated").exists ? "replicated" : "",
    ...prefixed(`${SERVICE}label_`, service.textMap("Spec", "Labels")),
  };
}

const tcpPorts = (json: Json, ...path: string[]): Json[] =>
  json.items(...path).filter((port) => port.text("Protocol") === "tcp");

async function nodes(engine: DockerEngine, { port, filters }: SwarmConfig): Promise<Found> {
  const list = await engine.list("/nodes", filters);
  const targets = list.map((node): TargetLabels => {
    const manager = node.get("ManagerStatus");
    return {
      ...nodeLabels(node),
      [`${NODE}engine_version`]: node.text("Description", "Engine", "EngineVersion"),
      ...(manager.exists && {
        [`${NODE}manager_leader`]: String(manager.flag("Leader")),
        [`${NODE}manager_reachability`]: manager.text("Reachability"),
        [`${NODE}manager_address`]: manager.text("Addr"),
      }),
      __address__: joinHostPort(node.text("Status", "Addr"), port),
    };
  });
  return found(SOURCE, targets);
}

async function services(engine: DockerEngine, { port, filters }: SwarmConfig): Promise<Found> {
  const list = await engine.list("/services", filters);
  const networks = await engine.networkLabels(PREFIX);
  const targets = list.flatMap((service) => {
    // Only services that run containers have this.
    const container = service.get("Spec", "TaskTemplate", "ContainerSpec");
    const status = service.get("UpdateStatus");
    const common: TargetLabels = {
      ...serviceLabels(service),
      ...(container.exists && {
        [`${SERVICE}task_container_hostname`]: container.text("Hostname"),
        [`${SERVICE}task_container_image`]: container.text("Image"),
      }),
      ...(status.exists && { [`${SERVICE}updating_status`]: status.text("State") }),
    };
    const ports = tcpPorts(service, "Endpoint", "Ports");
    return service.items("Endpoint", "VirtualIPs").flatMap((virtual): TargetLabels[] => {
      const ip = addressOf(virtual.text("Addr"));
      const own = { ...common, ...networks.get(virtual.text("NetworkID")) };
      if (ports.length === 0) return [{ ...own, __address__: joinHostPort(ip, port) }];
      return ports.map((entry) => ({
        ...own,
        [`${SERVICE}endpoint_port_name`]: entry.text("Name"),
        [`${SERVICE}endpoint_port_publish_mode`]: entry.text("PublishMode"),
        __address__: joinHostPort(ip, entry.integer("PublishedPort")),
      }));
    });
  });
  return found(SOURCE, targets, list.length);
}

async function tasks(engine: DockerEngine, { port, filters }: SwarmConfig): Promise<Found> {
  const list = await engine.list("/tasks", filters);
  const allServices = new Map((await engine.list("/services")).map((service) => [service.text("ID"), service]));
  const allNodes = new Map((await engine.list("/nodes")).map((node) => [node.text("ID"), nodeLabels(node)]));
  const networks = await engine.networkLabels(PREFIX);
  const targets = list.flatMap((task) => {
    const status = task.get("Status", "ContainerStatus");
    const service = allServices.get(task.text("ServiceID"));
    const node = allNodes.get(task.text("NodeID"));
    const common: TargetLabels = {
      [`${TASK}id`]: task.text("ID"),
      [`${TASK}desired_state`]: task.text("DesiredState"),
      [`${TASK}state`]: task.text("Status", "State"),
      [`${TASK}slot`]: task.integer("Slot"),
      ...(status.exists && { [`${TASK}container_id`]: status.text("ContainerID") }),
      ...prefixed(`${PREFIX}container_label_`, task.textMap("Spec", "ContainerSpec", "Labels")),
      ...(service && serviceLabels(service)),
      ...node,
    };
    const published = tcpPorts(task, "Status", "PortStatus", "Ports").map(
      (entry): TargetLabels => ({
        ...common,
        [`${TASK}port_publish_mode`]: entry.text("PublishMode"),
        __address__: joinHostPort(node?.[`${NODE}address`] ?? "", entry.integer("PublishedPort")),
      }),
    );
    const ports = service ? tcpPorts(service, "Endpoint", "Ports") : [];
    const attached = task.items("NetworksAttachments").flatMap((attachment) => {
      const own = { ...common, ...networks.get(attachment.text("Network", "ID")) };
      return attachment.texts("Addresses").flatMap((cidr): TargetLabels[] => {
        const ip = addressOf(cidr);
        if (ports.length === 0) return [{ ...own, __address__: joinHostPort(ip, port) }];
        return ports.map((entry) => ({
          ...own,
          [`${TASK}port_publish_mode`]: entry.text("PublishMode"),
          __address__: joinHostPort(ip, entry.integer("PublishedPort")),
        }));
      });
    });
    return [...published, ...attached];
  });
  return found(SOURCE, targets, list.length);
}

const LOOKUPS = { nodes, services, tasks };

export const dockerswarmMechanism = refreshMechanism<SwarmConfig>({
  name: "dockerswarm",
  type: "moby.plain",
  things: "services, tasks or nodes",
  parse(settings): SwarmConfig {
    const host = parseDockerHost(settings);
    const port = settings.integer("port", 80);
    const given = settings.text("role");
    const role = ROLES.find((known) => known === given);
    if (given === "") throw settings.fail("role missing (one of: tasks, services, nodes)");
    if (!role) throw settings.fail(`invalid role ${given}, expected tasks, services, or nodes`);
    return { ...host, port, role };
  },
  place: ({ host, role }) => `the Docker swarm at ${host} (role ${role})`,
  socketPath: socketOf,
  open(config, { api }) {
    const engine = new DockerEngine(api, config);
    return () => LOOKUPS[config.role](engine, config);
  },
});
