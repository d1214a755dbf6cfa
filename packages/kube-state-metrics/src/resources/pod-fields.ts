/** Fields of pods on the wire, as far as series are made of them. */
import type { Condition, Wire } from "../family.ts";
import type { ResourceList } from "../values/resource-units.ts";

export interface Container {
  name: string;
  image?: string;
  restartPolicy?: string | null;
  resources?: { limits?: ResourceList; requests?: ResourceList };
}

export interface Terminated {
  reason?: string;
  exitCode?: number;
  startedAt?: string | null;
  finishedAt?: string | null;
}

export interface ContainerState {
  running?: { startedAt?: string | null } | null;
  waiting?: { reason?: string } | null;
  terminated?: Terminated | null;
}

export interface ContainerStatus {
  name: string;
  image?: string;
  imageID?: string;
  containerID?: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number | null;
}

export interface Volume {
  name: string;
  persistentVolumeClaim?: { claimName?: string; readOnly?: boolean } | null;
  ephemeral?: object | null;
}

export interface Pod extends Wire {
  spec?: {
    nodeName?: string;
    nodeSelector?: Record<string, string> | null;
    hostNetwork?: boolean;
    priorityClassName?: string;
    restartPolicy?: string;
    runtimeClassName?: string | null;
    serviceAccountName?: string;
    schedulerName?: string;
    overhead?: ResourceList;
    containers?: Container[] | null;
    initContainers?: Container[] | null;
    volumes?: Volume[] | null;
    tolerations?: Toleration[] | null;
    resourceClaims?:
      | { name?: string; resourceClaimName?: string | null; resourceClaimTemplateName?: string | null }[]
      | null;
  };
  status?: {
    phase?: string;
    reason?: string;
    qosClass?: string;
    hostIP?: string;
    podIP?: string;
    podIPs?: { ip?: string }[] | null;
    startTime?: string | null;
    conditions?: Condition[] | null;
    containerStatuses?: ContainerStatus[] | null;
    initContainerStatuses?: ContainerStatus[] | null;
    resourceClaimStatuses?: { name?: string; resourceClaimName?: string | null }[] | null;
  };
}
