/** uyuni_sd_configs: exporters on the systems of an Uyuni server, by its XML-RPC API. */
import { UserError } from "@pharos/model";
import { callXmlRpc } from "../api/xml-rpc.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_uyuni_";
const TOKEN_SECONDS = 600;

export const uyuniMechanism = refreshMechanism({
  name: "uyuni",
  things: "endpoints",
  parse(settings) {
    const server = settings.text("server");
    const username = settings.text("username");
    const password = settings.secret("password");
    const entitlement = settings.text("entitlement", "monitoring_entitled");
    const separator = settings.text("separator", ",");
    if (server === "") throw settings.fail("Uyuni SD configuration requires server host");
    if (username === "") throw settings.fail("Uyuni SD configuration requires a username");
    if (!password) throw settings.fail("Uyuni SD configuration requires a password");
    return { server, username, password, entitlement, separator };
  },
  place: ({ server, entitlement }) => `${server} (entitlement ${entitlement})`,
  open({ server, username, password, entitlement, separator }, { api }) {
    if (!URL.canParse(server)) {
      throw new UserError("discovery.config", `Uyuni Server URL is not valid: ${JSON.stringify(server)}`, {
        fix: "Give a http:// or https:// URL",
      });
    }
    const base = new URL(server);
    base.pathname = `${base.pathname.replace(/\/+$/, "")}/rpc/api`;
    const url = String(base);
    let token = "";
    let renewAt = 0;

    async function endpoints() {
      const groups = new Map(
        (await callXmlRpc(api, url, "system.listSystemGroupsForSystemsWithEntitlement", [token, entitlement]))
          .items()
          .map((system) => [system.number("id"), system.items("system_groups").map((group) => group.text("name"))]),
      );
      const ids = [...groups.keys()];
      const list = (await callXmlRpc(api, url, "system.monitoring.listEndpoints", [token, ids])).items();
      const networks = new Map(
        (await callXmlRpc(api, url, "system.getNetworkForSystems", [token, ids]))
          .items()
          .map((network) => [network.number("system_id"), network]),
      );
      return list.map((endpoint) => {
        const id = endpoint.number("system_id");
        const host = networks.get(id)?.text("hostname") ?? "";
        return {
          __address__: `${host}:${endpoint.integer("port")}`,
          [`${PREFIX}minion_hostname`]: host,
          [`${PREFIX}primary_fqdn`]: networks.get(id)?.text("primary_fqdn") ?? "",
          [`${PREFIX}system_id`]: String(id),
          [`${PREFIX}groups`]: (groups.get(id) ?? []).join(separator),
          [`${PREFIX}endpoint_name`]: endpoint.text("endpoint_name"),
          [`${PREFIX}exporter`]: endpoint.text("exporter_name"),
          [`${PREFIX}proxy_module`]: endpoint.text("module"),
          [`${PREFIX}metrics_path`]: endpoint.text("path"),
          [`${PREFIX}scheme`]: endpoint.flag("tls_enabled") ? "https" : "http",
        };
      });
    }

    return async () => {
      if (Date.now() >= renewAt) {
        token = (await callXmlRpc(api, url, "auth.login", [username, password.reveal(), TOKEN_SECONDS])).text();
        renewAt = Date.now() + (TOKEN_SECONDS * 1000) / 2;
      }
      try {
        return found(url, await endpoints());
      } catch (error) {
        // Perhaps the token is not taken any more.
        renewAt = 0;
        throw error;
      }
    };
  },
});
