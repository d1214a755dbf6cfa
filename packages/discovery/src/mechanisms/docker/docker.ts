/** docker_sd_configs: containers of a Docker engine. */
import type { TargetLabels } from "@pharos/model";
import type { Json } from "../../api/json.ts";
import { joinHostPort, prefixed } from "../../labels.ts";
import { found, refreshMechanism } from "../../refresh.ts";
import { DockerEngine, type DockerHost, parseDockerHost, socketOf } from "./engine.ts";

const PREFIX = "__meta_docker_";
const CONTAINER = `${PREFIX}container_`;

interface Options {
  port: number;
  hostNetworkingHost: string;
  matchFirstNetwork: boolean;
}

const networksOf = (container: Json): [string, Json][] =>
  container.entries("NetworkSettings", "Networks").filter(([, network]) => network.exists);

/** Networks of a container; when it shares another container's, those of that one. */
function sharedNetworks(container: Json, all: ReadonlyMap<string, Json>): [string, Json][] {
  const visited = new Set<string>();
  let current: Json | undefined = container;
  while (current) {
    const networks = networksOf(current);
    if (networks.length > 0) return networks;
    const other: string | undefined = /^container:(.*)$/.exec(current.text("HostConfig", "NetworkMode"))?.[1];
    if (other === undefined || visited.has(other)) return [];
    visited.add(other);
    current = all.get(other);
  }
  return [];
}

function containerLabels(
  container: Json,
  all: ReadonlyMap<string, Json>,
  networkLabels: ReadonlyMap<string, TargetLabels>,
  { port, hostNetworkingHost, matchFirstNetwork }: Options,
): TargetLabels[] {
  const [name] = container.texts("Names");
  if (name === undefined) return [];
  const mode = container.text("HostConfig", "NetworkMode");
  const image = container.text("Image");
  const imageId = container.text("ImageID");
  const common: TargetLabels = {
    [`${CONTAINER}id`]: container.text("Id"),
    [`${CONTAINER}name`]: name,
    [`${CONTAINER}network_mode`]: mode,
    ...(image !== "" && { [`${CONTAINER}image`]: image }),
    ...(imageId !== "" && { [`${CONTAINER}image_id`]: imageId }),
    ...prefixed(`${CONTAINER}label_`, container.textMap("Labels")),
  };
  let networks = sharedNetworks(container, all);
  if (matchFirstNetwork) networks = networks.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 1);
  const ports = container.items("Ports").filter((entry) => entry.text("Type") === "tcp");
  return networks.flatMap(([, network]) => {
    const ip = network.text("IPAddress") || network.text("GlobalIPv6Address");
    const own = { ...common, ...networkLabels.get(network.text("NetworkID")), [`${PREFIX}network_ip`]: ip };
    // Containers in the host's network have no ports of their own.
    if (ports.length === 0)
      return [{ ...own, __address__: mode === "host" ? hostNetworkingHost : joinHostPort(ip, port) }];
    return ports.map((entry) => ({
      ...own,
      [`${PREFIX}port_private`]: entry.integer("PrivatePort"),
      ...(entry.number("PublicPort") > 0 && {
        [`${PREFIX}port_public`]: entry.integer("PublicPort"),
        [`${PREFIX}port_public_ip`]: entry.text("IP"),
      }),
      __address__: joinHostPort(ip, entry.integer("PrivatePort")),
    }));
  });
}

export const dockerMechanism = refreshMechanism<DockerHost & Options>({
  name: "docker",
  type: "moby.plain",
  things: "containers",
  parse: (settings) => ({
    ...parseDockerHost(settings),
    port: settings.integer("port", 80),
    hostNetworkingHost: settings.text("host_networking_host", "localhost"),
    matchFirstNetwork: settings.flag("match_first_network", true),
  }),
  place: ({ host }) => `the Docker engine at ${host}`,
  socketPath: socketOf,
  open(config, { api }) {
    const engine = new DockerEngine(api, config);
    return async () => {
      const containers = await engine.list("/containers/json", config.filters);
      const networks = await engine.networkLabels(PREFIX);
      const all = new Map(containers.map((container) => [container.text("Id"), container]));
      const targets = containers.flatMap((container) => containerLabels(container, all, networks, config));
      return found("Docker", targets, containers.length);
    };
  },
});
