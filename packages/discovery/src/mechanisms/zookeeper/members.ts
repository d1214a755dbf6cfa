/** serverset_sd_configs and nerve_sd_configs: members that services register in ZooKeeper. */
import { describeError, type TargetGroup, type TargetLabels } from "@pharos/model";
import { Json } from "../../api/json.ts";
import { joinHostPort, sanitize } from "../../labels.ts";
import type { Mechanism } from "../../mechanism.ts";
import { Settings } from "../../settings.ts";
import { type TreeConfig, ZooKeeperTree } from "./tree.ts";

const SERVERSET = "__meta_serverset_";
const NERVE = "__meta_nerve_";

/** A field whatever the case of its name, as Go reads it. */
function field(json: Json, name: string): Json {
  return json.entries().findLast(([key]) => key.toLowerCase() === name)?.[1] ?? new Json(undefined);
}

/** Labels of a Twitter server set's member. */
export function serversetLabels(member: Json, path: string): TargetLabels {
  const endpoint = field(member, "serviceendpoint");
  const host = field(endpoint, "host").text();
  const port = field(endpoint, "port").integer();
  const labels: TargetLabels = {
    [`${SERVERSET}path`]: path,
    __address__: joinHostPort(host, port),
    [`${SERVERSET}endpoint_host`]: host,
    [`${SERVERSET}endpoint_port`]: port,
    [`${SERVERSET}status`]: field(member, "status").text(),
    [`${SERVERSET}shard`]: field(member, "shard").integer(),
  };
  for (const [name, other] of field(member, "additionalendpoints").entries()) {
    labels[`${SERVERSET}endpoint_host_${sanitize(name)}`] = field(other, "host").text();
    labels[`${SERVERSET}endpoint_port_${sanitize(name)}`] = field(other, "port").integer();
  }
  return labels;
}

/** Labels of a member of Airbnb's Nerve. */
export function nerveLabels(member: Json, path: string): TargetLabels {
  const host = field(member, "host").text();
  const port = field(member, "port").integer();
  return {
    [`${NERVE}path`]: path,
    __address__: joinHostPort(host, port),
    [`${NERVE}endpoint_host`]: host,
    [`${NERVE}endpoint_port`]: port,
    [`${NERVE}endpoint_name`]: field(member, "name").text(),
  };
}

function memberMechanism(
  name: "serverset" | "nerve",
  labelsOf: (member: Json, path: string) => TargetLabels,
): Mechanism<TreeConfig> {
  return {
    name,
    parse(node) {
      const settings = new Settings(node);
      const servers = settings.texts("servers");
      const paths = settings.texts("paths");
      const timeoutMs = settings.duration("timeout", 10_000);
      settings.map.done("zookeeper.plain");
      if (servers.length === 0) throw settings.fail(`${name} SD config must contain at least one Zookeeper server`);
      if (paths.length === 0) throw settings.fail(`${name} SD config must contain at least one path`);
      const bad = paths.find((path) => !path.startsWith("/"));
      if (bad !== undefined) throw settings.fail(`${name} SD config paths must begin with '/': ${bad}`);
      return { servers, paths, timeoutMs };
    },
    async run(config, { update, explain, log, refreshFailed }, signal) {
      const members = new Set<string>();
      let ready = false;
      const tree = new ZooKeeperTree(
        config,
        {
          changed(nodes) {
            const groups: TargetGroup[] = [];
            for (const [path, data] of nodes) {
              const targets: TargetLabels[] = [];
              try {
                if (data) targets.push(labelsOf(Json.parse(data.toString("utf8")), path));
              } catch (error) {
                // Nodes above the members have other data, or none.
                log.debug(`a node is no ${name} member`, { path, err: describeError(error) });
              }
              if (targets.length > 0) members.add(path);
              else members.delete(path);
              groups.push({ source: path, labels: {}, targets });
            }
            if (groups.length > 0 || !ready) update(groups);
            ready = true;
          },
          synced(missing) {
            const where = config.paths.join(", ");
            const none = members.size === 0 ? `${name}: no node below ${where} is a member` : "";
            explain(missing.length > 0 ? `${name}: ${missing.join(", ")} does not exist` : none);
          },
          failed(server, error) {
            refreshFailed();
            log.error("Lost connection to Zookeeper", { server, err: describeError(error) });
            explain(`${name}: cannot follow ${server}: ${describeError(error)}`);
          },
        },
        signal,
      );
      await tree.run();
    },
  };
}

export const serversetMechanism = memberMechanism("serverset", serversetLabels);
export const nerveMechanism = memberMechanism("nerve", nerveLabels);
