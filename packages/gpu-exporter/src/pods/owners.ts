/** Which pod has which device, by the names that device plugins give to devices. */
import type { Device, Instance } from "../reading.ts";
import type { ContainerDevices } from "./protobuf.ts";

export interface Owner {
  namespace: string;
  pod: string;
  container: string;
}

/** The pod that has a device, or a slice of it. */
export type PodOf = (device: Device, instance?: Instance) => Owner | undefined;

const GPU_RESOURCE = "nvidia.com/gpu";
const MIG_PREFIX = "nvidia.com/mig-";

/** What stands before `::3` (time slicing) or `/vgpu1` (GKE's sharing) is the device itself. */
function plainId(id: string): string {
  return id.split("::")[0].replace(/\/vgpu\d+$/, "");
}

/**
 * Devices are known by their UUID (`GPU-…`, `MIG-…`), by the file's name (`nvidia0`), and slices on GKE by both numbers
 * (`nvidia0/gi3`). `resources` are names besides `nvidia.com/gpu` under which plugins offer GPUs.
 */
export function ownersOf(devices: readonly ContainerDevices[], resources: readonly string[]): PodOf {
  const owners = new Map<string, Owner>();
  for (const { namespace, pod, container, resource, ids } of devices) {
    if (resource !== GPU_RESOURCE && !resource.startsWith(MIG_PREFIX) && !resources.includes(resource)) continue;
    for (const id of ids) owners.set(plainId(id), { namespace, pod, container });
  }
  return ({ uuid, minorNumber }, instance) =>
    instance
      ? (owners.get(instance.uuid) ?? owners.get(`nvidia${minorNumber}/gi${instance.gpuInstance}`))
      : (owners.get(uuid) ?? owners.get(`nvidia${minorNumber}`));
}
