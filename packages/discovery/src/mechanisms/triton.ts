/** triton_sd_configs: containers or compute nodes that Triton's container monitor lists. */
import type { TargetLabels } from "@pharos/model";
import { surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_triton_";

export const tritonMechanism = refreshMechanism({
  name: "triton",
  http: "tls",
  things: "containers or compute nodes",
  parse(settings) {
    const config = {
      account: settings.text("account"),
      role: settings.text("role", "container"),
      dnsSuffix: settings.text("dns_suffix"),
      host: settings.text("endpoint"),
      groups: settings.texts("groups"),
      port: settings.integer("port", 9163),
      version: settings.integer("version", 1),
    };
    const { role, account, dnsSuffix, host, port, version } = config;
    if (role !== "container" && role !== "cn") {
      throw settings.fail("triton SD configuration requires role to be 'container' or 'cn'");
    }
    if (account === "") throw settings.fail("triton SD configuration requires an account");
    if (dnsSuffix === "") throw settings.fail("triton SD configuration requires a dns_suffix");
    if (host === "") throw settings.fail("triton SD configuration requires an endpoint");
    if (settings.given("refresh_interval")?.duration() === 0) {
      throw settings.fail("triton SD configuration requires RefreshInterval to be a positive integer");
    }
    return { ...config, endpoint: `https://${host}:${port}/v${version}` };
  },
  place: ({ endpoint }) => endpoint,
  open({ endpoint, role, groups, dnsSuffix, port }, { api }) {
    const query = groups.length === 0 ? "" : `?groups=${encodeURIComponent(groups.join(","))}`;
    const url = `${endpoint}${role === "cn" ? "/gz" : ""}/discover${query}`;
    return async () => {
      const answer = await api.json(url);
      if (role === "cn") {
        const nodes = answer.items("cns").map(
          (node): TargetLabels => ({
            [`${PREFIX}machine_id`]: node.text("server_uuid"),
            [`${PREFIX}machine_alias`]: node.text("server_hostname"),
            __address__: `${node.text("server_uuid")}.${dnsSuffix}:${port}`,
          }),
        );
        return found(url, nodes);
      }
      const containers = answer.items("containers").map((container): TargetLabels => {
        const own = container.texts("groups");
        return {
          [`${PREFIX}machine_id`]: container.text("vm_uuid"),
          [`${PREFIX}machine_alias`]: container.text("vm_alias"),
          [`${PREFIX}machine_brand`]: container.text("vm_brand"),
          [`${PREFIX}machine_image`]: container.text("vm_image_uuid"),
          [`${PREFIX}server_id`]: container.text("server_uuid"),
          __address__: `${container.text("vm_uuid")}.${dnsSuffix}:${port}`,
          ...(own.length > 0 && { [`${PREFIX}groups`]: surround(own) }),
        };
      });
      return found(url, containers);
    };
  },
});
