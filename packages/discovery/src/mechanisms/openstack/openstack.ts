/** openstack_sd_configs: hypervisors, instances and load balancers of an OpenStack cloud. */
import type { TargetLabels } from "@pharos/model";
import type { Json } from "../../api/json.ts";
import { joinHostPort, prefixed } from "../../labels.ts";
import { type Found, found, refreshMechanism, type Session } from "../../refresh.ts";
import { type KeystoneConfig, OpenStackSession } from "./keystone.ts";

const PREFIX = "__meta_openstack_";
const BALANCER = `${PREFIX}loadbalancer_`;
const ROLES = ["hypervisor", "instance", "loadbalancer"] as const;
const AVAILABILITIES = ["public", "internal", "admin"] as const;

interface OpenStackConfig extends KeystoneConfig {
  role: (typeof ROLES)[number];
  port: number;
  allTenants: boolean;
}

async function hypervisors(openstack: OpenStackSession, { region, port }: OpenStackConfig): Promise<Found> {
  const list = await openstack.list("compute", "os-hypervisors/detail", "hypervisors");
  const targets = list.map((hypervisor): TargetLabels => {
    const ip = hypervisor.text("host_ip");
    // A number in old versions of the API.
    const id = hypervisor.get("id").value;
    return {
      __address__: joinHostPort(ip, port),
      [`${PREFIX}hypervisor_id`]: typeof id === "number" ? String(id) : hypervisor.text("id"),
      [`${PREFIX}hypervisor_hostname`]: hypervisor.text("hypervisor_hostname"),
      [`${PREFIX}hypervisor_host_ip`]: ip,
      [`${PREFIX}hypervisor_status`]: hypervisor.text("status"),
      [`${PREFIX}hypervisor_state`]: hypervisor.text("state"),
      [`${PREFIX}hypervisor_type`]: hypervisor.text("hypervisor_type"),
    };
  });
  return found(`OS_${region}`, targets);
}

/** Text of a field if it is one. */
function textOf(json: Json, key: string): string | undefined {
  if (typeof json.value !== "object") return undefined;
  const { value } = json.get(key);
  return typeof value === "string" ? value : undefined;
}

/** Floating addresses by the device and fixed address they lead to. */
async function floatingAddresses(openstack: OpenStackSession): Promise<Map<string, string>> {
  const ports = await openstack.list("network", "v2.0/ports", "ports");
  const devices = new Map(ports.map((port) => [port.text("id"), port.text("device_id")]));
  const out = new Map<string, string>();
  for (const ip of await openstack.list("network", "v2.0/floatingips", "floatingips")) {
    const device = devices.get(ip.text("port_id"));
    const fixed = ip.text("fixed_ip_address");
    if (device !== undefined && fixed !== "") out.set(`${device} ${fixed}`, ip.text("floating_ip_address"));
  }
  return out;
}

async function instances(
  openstack: OpenStackSession,
  { region, port, allTenants }: OpenStackConfig,
  { log }: Session,
): Promise<Found> {
  const floating = await floatingAddresses(openstack);
  const floatingOnes = new Set(floating.values());
  const servers = await openstack.list("compute", `servers/detail${allTenants ? "?all_tenants=true" : ""}`, "servers");
  const targets = servers.flatMap((server) => {
    const id = server.text("id");
    const flavor = textOf(server.get("flavor"), "original_name") ?? textOf(server.get("flavor"), "id");
    if (flavor === undefined) {
      log.warn("an instance has neither a flavor's original_name nor its id", { instance: id });
      return [];
    }
    // A server that boots from a volume has an empty text here.
    const image = textOf(server.get("image"), "id");
    const common: TargetLabels = {
      [`${PREFIX}instance_id`]: id,
      [`${PREFIX}instance_status`]: server.text("status"),
      [`${PREFIX}instance_name`]: server.text("name"),
      [`${PREFIX}project_id`]: server.text("tenant_id"),
      [`${PREFIX}user_id`]: server.text("user_id"),
      [`${PREFIX}instance_flavor`]: flavor,
      ...(image !== undefined && { [`${PREFIX}instance_image`]: image }),
      ...prefixed(`${PREFIX}tag_`, server.textMap("metadata")),
    };
    return server.entries("addresses").flatMap(([pool, list]) =>
      list
        .items()
        .map((address) => address.text("addr"))
        .filter((address) => !floatingOnes.has(address))
        .map((address): TargetLabels => {
          const publicIp = floating.get(`${id} ${address}`);
          return {
            ...common,
            [`${PREFIX}address_pool`]: pool,
            [`${PREFIX}private_ip`]: address,
            ...(publicIp !== undefined && { [`${PREFIX}public_ip`]: publicIp }),
            __address__: joinHostPort(address, port),
          };
        }),
    );
  });
  return found(`OS_${region}`, targets, servers.length);
}

async function loadBalancers(openstack: OpenStackSession, { region }: OpenStackConfig): Promise<Found> {
  const balancers = await openstack.list("load-balancer", "v2.0/lbaas/loadbalancers", "loadbalancers");
  const listeners = await openstack.list("load-balancer", "v2.0/lbaas/listeners", "listeners");
  const floating = new Map(
    (await openstack.list("network", "v2.0/floatingips", "floatingips")).map((ip) => [
      ip.text("port_id"),
      ip.text("floating_ip_address"),
    ]),
  );
  /** The first port that speaks Prometheus, by load balancer. */
  const ports = new Map<string, number>();
  for (const listener of listeners.filter((one) => one.text("protocol") === "PROMETHEUS")) {
    for (const balancer of listener.items("loadbalancers")) {
      const id = balancer.text("id");
      if (!ports.has(id)) ports.set(id, listener.number("protocol_port"));
    }
  }
  const targets = balancers.flatMap((balancer): TargetLabels[] => {
    const port = ports.get(balancer.text("id"));
    if (port === undefined) return [];
    const ip = balancer.text("vip_address");
    const tags = balancer.texts("tags");
    const portId = balancer.text("vip_port_id");
    const floatingIp = portId === "" ? undefined : floating.get(portId);
    return [
      {
        __address__: joinHostPort(ip, port),
        [`${BALANCER}id`]: balancer.text("id"),
        [`${BALANCER}name`]: balancer.text("name"),
        [`${BALANCER}operating_status`]: balancer.text("operating_status"),
        [`${BALANCER}provisioning_status`]: balancer.text("provisioning_status"),
        [`${BALANCER}availability_zone`]: balancer.text("availability_zone"),
        [`${BALANCER}vip`]: ip,
        [`${BALANCER}provider`]: balancer.text("provider"),
        [`${PREFIX}project_id`]: balancer.text("project_id"),
        ...(tags.length > 0 && { [`${BALANCER}tags`]: tags.join(",") }),
        ...(floatingIp !== undefined && { [`${BALANCER}floating_ip`]: floatingIp }),
      },
    ];
  });
  return found(`OS_${region}`, targets, balancers.length);
}

const LOOKUPS = { hypervisor: hypervisors, instance: instances, loadbalancer: loadBalancers };

export const openstackMechanism = refreshMechanism<OpenStackConfig>({
  name: "openstack",
  http: "tls",
  things: "hypervisors, instances or load balancers",
  parse(settings) {
    const role = settings.choice("role", ROLES, (given) => `unknown OpenStack SD role ${given}`);
    const given = settings.text("availability", "public");
    const availability = AVAILABILITIES.find((known) => known === given);
    const region = settings.text("region");
    const config = {
      identityEndpoint: settings.text("identity_endpoint"),
      username: settings.text("username"),
      userId: settings.text("userid"),
      password: settings.secret("password"),
      projectName: settings.text("project_name"),
      projectId: settings.text("project_id"),
      domainName: settings.text("domain_name"),
      domainId: settings.text("domain_id"),
      applicationCredentialName: settings.text("application_credential_name"),
      applicationCredentialId: settings.text("application_credential_id"),
      applicationCredentialSecret: settings.secret("application_credential_secret"),
      port: settings.integer("port", 80),
      allTenants: settings.flag("all_tenants", false),
    };
    if (!availability) {
      throw settings.fail(`unknown availability ${given}, must be one of admin, internal or public`);
    }
    if (role === "") throw settings.fail("role missing (one of: instance, hypervisor, loadbalancer)");
    if (region === "") throw settings.fail("openstack SD configuration requires a region");
    return { ...config, role, region, availability };
  },
  place: ({ identityEndpoint, region, role }) =>
    `OpenStack at ${identityEndpoint || "OS_AUTH_URL"} (region ${region}, role ${role})`,
  open(config, session) {
    return async () => LOOKUPS[config.role](await OpenStackSession.open(session.api, config), config, session);
  },
});
