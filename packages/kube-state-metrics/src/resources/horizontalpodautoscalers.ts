import { type Condition, type Emit, FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";
import { quantityApproximate, quantityValue } from "../values/quantity.ts";

/** A target or a current value: whichever of the three is there. */
interface Amount {
  value?: string | null;
  averageValue?: string | null;
  averageUtilization?: number | null;
}

interface Source {
  name?: string;
  container?: string;
  metric?: { name?: string };
  target?: Amount;
  current?: Amount;
}

interface Metric {
  type?: string;
  object?: Source | null;
  pods?: Source | null;
  resource?: Source | null;
  containerResource?: Source | null;
  external?: Source | null;
}

interface ScalingRules {
  tolerance?: string | null;
}

interface HorizontalPodAutoscaler extends Wire {
  spec?: {
    scaleTargetRef?: { kind?: string; name?: string; apiVersion?: string };
    minReplicas?: number | null;
    maxReplicas?: number;
    metrics?: Metric[] | null;
    behavior?: { scaleUp?: ScalingRules | null; scaleDown?: ScalingRules | null } | null;
  };
  status?: {
    currentReplicas?: number;
    desiredReplicas?: number;
    currentMetrics?: Metric[] | null;
    conditions?: Condition[] | null;
  };
}

/** Which field of a metric its type means. */
const SOURCES: Readonly<Record<string, Exclude<keyof Metric, "type">>> = {
  Object: "object",
  Pods: "pods",
  Resource: "resource",
  ContainerResource: "containerResource",
  External: "external",
};

function emitAmounts(metrics: readonly Metric[] | null | undefined, side: "target" | "current", emit: Emit): void {
  for (const metric of metrics ?? []) {
    const field = SOURCES[metric.type ?? ""];
    const source = field && metric[field];
    const amount = source?.[side];
    if (!amount) continue;
    const name = source.metric ? source.metric.name : source.name;
    const { value, averageValue, averageUtilization } = amount;
    const emitAs = (type: string, found: number): void =>
      emit(found, ["metric_name", name, "metric_target_type", type, "container", source.container]);
    if (value !== undefined && value !== null) emitAs("value", quantityValue(value));
    if (averageUtilization !== undefined && averageUtilization !== null) emitAs("utilization", averageUtilization);
    if (averageValue !== undefined && averageValue !== null) emitAs("average", quantityValue(averageValue));
  }
}

const tolerance = (rules: ScalingRules | null | undefined): number | undefined =>
  rules?.tolerance ? quantityApproximate(rules.tolerance) : undefined;

const make = new FamilyMaker<HorizontalPodAutoscaler>("kube_horizontalpodautoscaler_");

export const horizontalpodautoscalers: Resource<HorizontalPodAutoscaler> = {
  name: "horizontalpodautoscalers",
  type: { group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers", namespaced: true },
  goType: "*v2.HorizontalPodAutoscaler",
  identity: namespacedName("horizontalpodautoscaler"),
  families: [
    make.info("info", "ALPHA", "Information about this autoscaler.", ({ spec }) => {
      const { kind, name, apiVersion } = spec?.scaleTargetRef ?? {};
      const labels = ["scaletargetref_kind", kind, "scaletargetref_name", name];
      return apiVersion ? ["scaletargetref_api_version", apiVersion, ...labels] : labels;
    }),
    make.generation("The generation observed by the HorizontalPodAutoscaler controller."),
    make.number(
      "spec_max_replicas",
      "STABLE",
      "Upper limit for the number of pods that can be set by the autoscaler; cannot be smaller than MinReplicas.",
      ({ spec }) => spec?.maxReplicas,
    ),
    make.number(
      "spec_min_replicas",
      "STABLE",
      "Lower limit for the number of pods that can be set by the autoscaler, default 1.",
      ({ spec }) => spec?.minReplicas ?? 1,
    ),
    make.gauge(
      "spec_target_metric",
      "ALPHA",
      "The metric specifications used by this autoscaler when calculating the desired replica count.",
      ({ spec }, emit) => emitAmounts(spec?.metrics, "target", emit),
    ),
    make.optional(
      "spec_behavior_scale_down_tolerance",
      "ALPHA",
      "The tolerance on the ratio between the current and desired metric value below which no scale down occurs.",
      ({ spec }) => tolerance(spec?.behavior?.scaleDown),
    ),
    make.optional(
      "spec_behavior_scale_up_tolerance",
      "ALPHA",
      "The tolerance on the ratio between the current and desired metric value below which no scale up occurs.",
      ({ spec }) => tolerance(spec?.behavior?.scaleUp),
    ),
    make.gauge(
      "status_target_metric",
      "STABLE",
      "The current metric status used by this autoscaler when calculating the desired replica count.",
      ({ status }, emit) => emitAmounts(status?.currentMetrics, "current", emit),
    ),
    make.number(
      "status_current_replicas",
      "STABLE",
      "Current number of replicas of pods managed by this autoscaler.",
      ({ status }) => status?.currentReplicas,
    ),
    make.number(
      "status_desired_replicas",
      "STABLE",
      "Desired number of replicas of pods managed by this autoscaler.",
      ({ status }) => status?.desiredReplicas,
    ),
    make.annotations(),
    make.labels("STABLE"),
    make.conditions(
      "status_condition",
      "STABLE",
      "The condition of this autoscaler.",
      ({ status }) => status?.conditions,
    ),
    make.created("ALPHA"),
    make.deletionTimestamp(),
  ],
};
