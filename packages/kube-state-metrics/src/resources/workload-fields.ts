/** Fields that several kinds of workloads share on the wire. */
import type { Condition, Wire } from "../family.ts";

export interface ReplicaStatus {
  replicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  updatedReplicas?: number;
  observedGeneration?: number;
  terminatingReplicas?: number | null;
  fullyLabeledReplicas?: number;
  conditions?: Condition[];
}

export interface Replicated extends Wire {
  spec?: { replicas?: number | null };
  status?: ReplicaStatus;
}
