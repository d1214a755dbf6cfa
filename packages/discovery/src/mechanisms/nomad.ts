/** nomad_sd_configs: services registered in Nomad. */
import { withQuery } from "../api/client.ts";
import { joinHostPort, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_nomad_";

export const nomadMechanism = refreshMechanism({
  name: "nomad",
  things: "services",
  parse(settings) {
    const config = {
      allowStale: settings.flag("allow_stale", true),
      namespace: settings.text("namespace", "default"),
      region: settings.text("region", "global"),
      server: settings.text("server", "http://localhost:4646"),
      tagSeparator: settings.text("tag_separator", ","),
    };
    if (config.server.trim() === "") throw settings.fail("nomad SD configuration requires a server address");
    return config;
  },
  place: ({ server, namespace, region }) => `${server} (region ${region}, namespace ${namespace})`,
  open({ allowStale, namespace, region, server, tagSeparator }, { api, metrics }) {
    const query = {
      region: region || undefined,
      namespace: namespace || undefined,
      stale: allowStale ? "" : undefined,
    };
    return async () => {
      try {
        const stubs = await api.json(withQuery(`${server}/v1/services`, query));
        const targets = [];
        for (const service of stubs.items().flatMap((stub) => stub.items("Services"))) {
          const url = `${server}/v1/service/${encodeURIComponent(service.text("ServiceName"))}`;
          for (const instance of (await api.json(withQuery(url, query))).items()) {
            const address = instance.text("Address");
            const tags = instance.texts("Tags");
            targets.push({
              [`${PREFIX}address`]: address,
              [`${PREFIX}dc`]: instance.text("Datacenter"),
              [`${PREFIX}node_id`]: instance.text("NodeID"),
              [`${PREFIX}namespace`]: instance.text("Namespace"),
              [`${PREFIX}service_address`]: address,
              [`${PREFIX}service_id`]: instance.text("ID"),
              [`${PREFIX}service_port`]: instance.integer("Port"),
              [`${PREFIX}service`]: instance.text("ServiceName"),
              __address__: joinHostPort(address, instance.integer("Port")),
              ...(tags.length > 0 && { [`${PREFIX}tags`]: surround(tags, tagSeparator) }),
            });
          }
        }
        return found("Nomad", targets);
      } catch (error) {
        metrics.nomadFailures.inc();
        throw error;
      }
    };
  },
});
