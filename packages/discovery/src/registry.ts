/** All mechanisms by name; one more is one more line. */

import type { YamlMap } from "@pharos/kit";
import { kubernetesMechanism } from "./kubernetes/kubernetes.ts";
import type { Mechanism, SdConfig } from "./mechanism.ts";
import { awsMechanism } from "./mechanisms/aws/aws.ts";
import { ec2Mechanism } from "./mechanisms/aws/ec2.ts";
import { ecsMechanism } from "./mechanisms/aws/ecs.ts";
import { elasticacheMechanism } from "./mechanisms/aws/elasticache.ts";
import { lightsailMechanism } from "./mechanisms/aws/lightsail.ts";
import { mskMechanism } from "./mechanisms/aws/msk.ts";
import { rdsMechanism } from "./mechanisms/aws/rds.ts";
import { azureMechanism } from "./mechanisms/azure.ts";
import { consulMechanism } from "./mechanisms/consul.ts";
import { digitaloceanMechanism } from "./mechanisms/digitalocean.ts";
import { dnsMechanism } from "./mechanisms/dns.ts";
import { dockerMechanism } from "./mechanisms/docker/docker.ts";
import { dockerswarmMechanism } from "./mechanisms/docker/dockerswarm.ts";
import { eurekaMechanism } from "./mechanisms/eureka.ts";
import { fileMechanism } from "./mechanisms/file.ts";
import { gceMechanism } from "./mechanisms/gce.ts";
import { hetznerMechanism } from "./mechanisms/hetzner.ts";
import { httpMechanism } from "./mechanisms/http.ts";
import { ionosMechanism } from "./mechanisms/ionos.ts";
import { kumaMechanism } from "./mechanisms/kuma.ts";
import { linodeMechanism } from "./mechanisms/linode.ts";
import { marathonMechanism } from "./mechanisms/marathon.ts";
import { nomadMechanism } from "./mechanisms/nomad.ts";
import { ociMechanism } from "./mechanisms/oci/oci.ts";
import { openstackMechanism } from "./mechanisms/openstack/openstack.ts";
import { outscaleMechanism } from "./mechanisms/outscale.ts";
import { ovhcloudMechanism } from "./mechanisms/ovhcloud.ts";
import { puppetdbMechanism } from "./mechanisms/puppetdb.ts";
import { scalewayMechanism } from "./mechanisms/scaleway.ts";
import { stackitMechanism } from "./mechanisms/stackit.ts";
import { checkAddresses, staticMechanism } from "./mechanisms/static.ts";
import { tritonMechanism } from "./mechanisms/triton.ts";
import { uyuniMechanism } from "./mechanisms/uyuni.ts";
import { vultrMechanism } from "./mechanisms/vultr.ts";
import { nerveMechanism, serversetMechanism } from "./mechanisms/zookeeper/members.ts";

const MECHANISMS = [
  staticMechanism,
  fileMechanism,
  httpMechanism,
  dnsMechanism,
  kubernetesMechanism,
  awsMechanism,
  azureMechanism,
  consulMechanism,
  digitaloceanMechanism,
  dockerMechanism,
  dockerswarmMechanism,
  ec2Mechanism,
  ecsMechanism,
  elasticacheMechanism,
  eurekaMechanism,
  gceMechanism,
  hetznerMechanism,
  ionosMechanism,
  kumaMechanism,
  lightsailMechanism,
  linodeMechanism,
  marathonMechanism,
  mskMechanism,
  nerveMechanism,
  nomadMechanism,
  ociMechanism,
  openstackMechanism,
  outscaleMechanism,
  ovhcloudMechanism,
  puppetdbMechanism,
  rdsMechanism,
  scalewayMechanism,
  serversetMechanism,
  stackitMechanism,
  tritonMechanism,
  uyuniMechanism,
  vultrMechanism,
] as readonly Mechanism<unknown>[];

/** Reads every `static_configs` and `*_sd_configs` key of a map. */
export function parseSdConfigs(map: YamlMap): SdConfig[] {
  const out: SdConfig[] = [];
  // Probes give URLs as targets and relabel them into a parameter.
  const relabels = (map.get("relabel_configs")?.items() ?? []).length > 0;
  for (const mechanism of MECHANISMS) {
    const key = mechanism.name === "static" ? "static_configs" : `${mechanism.name}_sd_configs`;
    for (const node of map.get(key)?.items() ?? []) {
      if (node.isNull) throw node.error(`empty or null section in ${key}`, { code: "discovery.config" });
      if (mechanism.name === "static" && !relabels) checkAddresses(node);
      out.push({ mechanism, config: mechanism.parse(node) });
    }
  }
  return out;
}
