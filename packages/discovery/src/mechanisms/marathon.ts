/** marathon_sd_configs: tasks of Marathon's apps; a group for each app. */
import { readFileSync } from "node:fs";
import type { Secret } from "@pharos/kit";
import type { TargetGroup, TargetLabels } from "@pharos/model";
import type { Json } from "../api/json.ts";
import { joinHostPort, prefixed } from "../labels.ts";
import { refreshMechanism } from "../refresh.ts";
import type { Settings } from "../settings.ts";

const PREFIX = "__meta_marathon_";

interface MarathonConfig {
  servers: string[];
  authToken: Secret | undefined;
  authTokenFile: string;
}

interface Port {
  /** 0: the task knows it. */
  port: number;
  labels: TargetLabels;
}

function parse(settings: Settings): MarathonConfig {
  const config = {
    servers: settings.texts("servers"),
    authToken: settings.secret("auth_token"),
    authTokenFile: settings.file("auth_token_file"),
  };
  const { servers, authToken, authTokenFile } = config;
  if (servers.length === 0) throw settings.fail("marathon_sd: must contain at least one Marathon server");
  if (authToken && authTokenFile !== "") {
    throw settings.fail("marathon_sd: at most one of auth_token & auth_token_file must be configured");
  }
  if (authToken || authTokenFile !== "") {
    const alone = (others: string) => settings.fail(`marathon_sd: at most one of ${others} must be configured`);
    if (settings.given("basic_auth")) throw alone("basic_auth, auth_token & auth_token_file");
    if (settings.text("bearer_token") !== "" || settings.text("bearer_token_file") !== "") {
      throw alone("bearer_token, bearer_token_file, auth_token & auth_token_file");
    }
    if (settings.given("authorization")) throw alone("auth_token, auth_token_file & authorization");
  }
  return config;
}

const inContainerNetwork = (app: Json): boolean => app.items("networks")[0]?.text("mode") === "container";

/** Ports the app declares, with their labels; none when only its tasks have ports. */
function declaredPorts(app: Json): Port[] {
  // Marathon 1.5 moved the mappings up.
  const mappings = [app.items("container", "portMappings"), app.items("container", "docker", "portMappings")];
  const found = mappings.find((list) => list.length > 0);
  if (found) {
    const key = inContainerNetwork(app) ? "containerPort" : "hostPort";
    return found.map((mapping) => ({
      port: mapping.number(key),
      labels: prefixed(`${PREFIX}port_mapping_label_`, mapping.textMap("labels")),
    }));
  }
  // Without requirePorts the port is the load balancer's, not the task's.
  const required = app.flag("requirePorts");
  return app.items("portDefinitions").map((definition) => ({
    port: required ? definition.number("port") : 0,
    labels: prefixed(`${PREFIX}port_definition_label_`, definition.textMap("labels")),
  }));
}

/** The group of an app. */
export function appGroup(app: Json): TargetGroup {
  let ports = declaredPorts(app);
  const targets: TargetLabels[] = [];
  for (const task of app.items("tasks")) {
    const own = task.items("ports").map((port) => port.number());
    // All tasks of an app without declared ports have as many: the first one's stand for all, as upstream has it.
    if (ports.length === 0) ports = own.map((port) => ({ port, labels: {} }));
    const [address] = inContainerNetwork(app) ? task.items("ipAddresses") : [];
    const host = address ? address.text("ipAddress") : task.text("host");
    for (const [i, { port, labels }] of ports.entries()) {
      const number = port === 0 && own.length === ports.length ? own[i] : port;
      targets.push({
        ...labels,
        __address__: joinHostPort(host, number),
        [`${PREFIX}task`]: task.text("id"),
        [`${PREFIX}port_index`]: String(i),
      });
    }
  }
  return {
    source: app.text("id"),
    labels: {
      [`${PREFIX}app`]: app.text("id"),
      [`${PREFIX}image`]: app.text("container", "docker", "image"),
      ...prefixed(`${PREFIX}app_label_`, app.textMap("labels")),
    },
    targets,
  };
}

export const marathonMechanism = refreshMechanism({
  name: "marathon",
  refreshInterval: 30_000,
  things: "apps",
  parse,
  place: ({ servers }) => servers.join(", "),
  open({ servers, authToken, authTokenFile }, { api }) {
    return async () => {
      const server = servers[Math.floor(Math.random() * servers.length)];
      const token = authToken?.reveal() ?? (authTokenFile === "" ? "" : readFileSync(authTokenFile, "utf8").trim());
      // DC/OS wants this form, which no scheme of the HTTP client has.
      const headers: Record<string, string> = token === "" ? {} : { authorization: `token=${token}` };
      const apps = (await api.json(`${server}/v2/apps/?embed=apps.tasks`, { headers })).items("apps");
      return { groups: apps.map(appGroup), seen: apps.length };
    };
  },
});
