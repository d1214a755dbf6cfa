/** All roles, one file each. */
import type { KubeObject } from "@pharos/kube";
import type { KubernetesRole } from "./config.ts";
import type { Role } from "./role.ts";
import { endpointsRole } from "./roles/endpoints.ts";
import { endpointSliceRole } from "./roles/endpointslice.ts";
import { ingressRole } from "./roles/ingress.ts";
import { nodeRole } from "./roles/node.ts";
import { podRole } from "./roles/pod.ts";
import { serviceRole } from "./roles/service.ts";

/** The objects come from the API server, whose schema is what the roles' types say. */
export const ROLES_BY_NAME = {
  node: nodeRole,
  service: serviceRole,
  pod: podRole,
  endpoints: endpointsRole,
  endpointslice: endpointSliceRole,
  ingress: ingressRole,
} as unknown as Readonly<Record<KubernetesRole, Role<KubeObject>>>;
