/** Alerts about workloads: what was asked for, and what is there. From kube-state-metrics. */
import type { Settings } from "../params.ts";
import { alert, type RuleSet } from "../types.ts";

export function kubernetesApps({ by, job, limit }: Settings): RuleSet {
  const k = job.kubeStateMetrics;
  const pod = by("namespace", "pod");
  return {
    name: "kubernetes-apps-rules",
    groups: [
      {
        name: "kubernetes-apps",
        rules: [
          alert("KubePodCrashLooping", {
            severity: "warning",
            for: "15m",
            // Between two crashes the container runs for a while: the last five minutes count, not the moment.
            expr: `max_over_time(kube_pod_container_status_waiting_reason{${k},reason="CrashLoopBackOff"}[5m]) >= 1`,
            summary: "A container crashes again and again.",
            description: `Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} ends soon after each
              start; Kubernetes waits longer and longer between attempts.`,
          }),
          alert("KubePodNotReady", {
            severity: "warning",
            for: "15m",
            // Pods of Jobs come and go; a pod that a scheduling gate holds back waits on purpose.
            expr: `
              sum by (${by("namespace", "pod", "job")}) (
                max by (${by("namespace", "pod", "job")}) (
                  kube_pod_status_phase{${k},phase=~"Pending|Unknown"}
                  or (kube_pod_status_phase{${k},phase="Running"} == 1
                    and on (${pod}) kube_pod_status_ready{${k},condition="true"} == 0))
                * on (${pod}) group_left () group by (${pod}) (kube_pod_owner{${k},owner_kind!="Job"})
              ) > 0
              unless on (${pod}) kube_pod_status_reason{${k},reason="SchedulingGated"} == 1`,
            summary: "A pod does not become ready.",
            description: "Pod {{ $labels.namespace }}/{{ $labels.pod }} has not been ready for more than 15 minutes.",
          }),
          alert("KubeContainerWaiting", {
            severity: "warning",
            for: "1h",
            expr: `kube_pod_container_status_waiting_reason{${k},reason!="CrashLoopBackOff"} > 0`,
            summary: "A container has been waiting for an hour.",
            description: `Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} has been waiting to
              start for an hour: {{ $labels.reason }}.`,
          }),
          alert("KubeDeploymentGenerationMismatch", {
            severity: "warning",
            for: "15m",
            expr: `kube_deployment_status_observed_generation{${k}} != kube_deployment_metadata_generation{${k}}`,
            summary: "A change of a Deployment is not acted upon.",
            description: `The last change of Deployment {{ $labels.namespace }}/{{ $labels.deployment }} has not been taken up by
              its controller.`,
          }),
          alert("KubeDeploymentReplicasMismatch", {
            severity: "warning",
            for: "15m",
            expr: `
              kube_deployment_spec_replicas{${k}} > kube_deployment_status_replicas_available{${k}}
              and changes(kube_deployment_status_replicas_updated{${k}}[10m]) == 0`,
            summary: "A Deployment has fewer replicas than it should.",
            description: `Deployment {{ $labels.namespace }}/{{ $labels.deployment }} has had fewer available replicas than it asks
              for, for more than 15 minutes.`,
          }),
          alert("KubeDeploymentRolloutStuck", {
            severity: "warning",
            for: "15m",
            expr: `kube_deployment_status_condition{${k},condition="Progressing",status="false"} != 0`,
            summary: "A rollout does not get on.",
            description: `The rollout of Deployment {{ $labels.namespace }}/{{ $labels.deployment }} has made no progress within
              its deadline.`,
          }),
          alert("KubeStatefulSetReplicasMismatch", {
            severity: "warning",
            for: "15m",
            expr: `
              kube_statefulset_status_replicas_ready{${k}} != kube_statefulset_replicas{${k}}
              and changes(kube_statefulset_status_replicas_updated{${k}}[10m]) == 0`,
            summary: "A StatefulSet has not the replicas it should have.",
            description: `StatefulSet {{ $labels.namespace }}/{{ $labels.statefulset }} has not had the number of ready replicas it
              asks for, for more than 15 minutes.`,
          }),
          alert("KubeStatefulSetGenerationMismatch", {
            severity: "warning",
            for: "15m",
            expr: `kube_statefulset_status_observed_generation{${k}} != kube_statefulset_metadata_generation{${k}}`,
            summary: "A change of a StatefulSet is not acted upon.",
            description: `The last change of StatefulSet {{ $labels.namespace }}/{{ $labels.statefulset }} has not been taken up by
              its controller.`,
          }),
          alert("KubeStatefulSetUpdateNotRolledOut", {
            severity: "warning",
            for: "15m",
            expr: `
              max by (${by("namespace", "statefulset", "job")}) (
                kube_statefulset_status_current_revision{${k}} unless kube_statefulset_status_update_revision{${k}})
              * on (${by("namespace", "statefulset", "job")}) (
                kube_statefulset_replicas{${k}} != kube_statefulset_status_replicas_updated{${k}})
              and on (${by("namespace", "statefulset", "job")})
                changes(kube_statefulset_status_replicas_updated{${k}}[5m]) == 0`,
            summary: "An update of a StatefulSet does not get on.",
            description: `The update of StatefulSet {{ $labels.namespace }}/{{ $labels.statefulset }} has not reached all its
              replicas, and none has been updated lately.`,
          }),
          alert("KubeDaemonSetRolloutStuck", {
            severity: "warning",
            for: "15m",
            expr: `
              (
                kube_daemonset_status_current_number_scheduled{${k}} != kube_daemonset_status_desired_number_scheduled{${k}}
                or kube_daemonset_status_number_misscheduled{${k}} != 0
                or kube_daemonset_status_updated_number_scheduled{${k}} != kube_daemonset_status_desired_number_scheduled{${k}}
                or kube_daemonset_status_number_available{${k}} != kube_daemonset_status_desired_number_scheduled{${k}}
              )
              and changes(kube_daemonset_status_updated_number_scheduled{${k}}[5m]) == 0`,
            summary: "A DaemonSet does not reach all its nodes.",
            description: `DaemonSet {{ $labels.namespace }}/{{ $labels.daemonset }} is not on all its nodes in its last version,
              and has not got on for 15 minutes.`,
          }),
          alert("KubeDaemonSetNotScheduled", {
            severity: "warning",
            for: "10m",
            expr: `
              kube_daemonset_status_desired_number_scheduled{${k}}
              - kube_daemonset_status_current_number_scheduled{${k}} > 0`,
            summary: "Pods of a DaemonSet are not scheduled.",
            description: `{{ $value }} pods of DaemonSet {{ $labels.namespace }}/{{ $labels.daemonset }} are not scheduled.`,
          }),
          alert("KubeDaemonSetMisScheduled", {
            severity: "warning",
            for: "15m",
            expr: `kube_daemonset_status_number_misscheduled{${k}} > 0`,
            summary: "Pods of a DaemonSet run where they should not.",
            description: `{{ $value }} pods of DaemonSet {{ $labels.namespace }}/{{ $labels.daemonset }} run on nodes that are not
              meant for them.`,
          }),
          alert("KubeJobNotCompleted", {
            severity: "warning",
            expr: `
              time() - max by (${by("namespace", "job_name")}) (
                kube_job_status_start_time{${k}} and kube_job_status_active{${k}} > 0) > ${limit.jobDuration}`,
            summary: "A Job takes too long.",
            description: `Job {{ $labels.namespace }}/{{ $labels.job_name }} has been running for
              {{ $value | humanizeDuration }}.`,
          }),
          alert("KubeJobFailed", {
            severity: "warning",
            for: "15m",
            expr: `kube_job_failed{${k}} > 0`,
            summary: "A Job failed.",
            description: `Job {{ $labels.namespace }}/{{ $labels.job_name }} failed. The alert goes away when the Job is
              deleted.`,
          }),
          alert("KubeHpaReplicasMismatch", {
            severity: "warning",
            for: "15m",
            expr: `
              kube_horizontalpodautoscaler_status_desired_replicas{${k}}
                != kube_horizontalpodautoscaler_status_current_replicas{${k}}
              and kube_horizontalpodautoscaler_status_current_replicas{${k}}
                > kube_horizontalpodautoscaler_spec_min_replicas{${k}}
              and kube_horizontalpodautoscaler_status_current_replicas{${k}}
                < kube_horizontalpodautoscaler_spec_max_replicas{${k}}
              and changes(kube_horizontalpodautoscaler_status_current_replicas{${k}}[15m]) == 0`,
            summary: "An autoscaler does not reach the number of replicas it wants.",
            description: `HorizontalPodAutoscaler {{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} has wanted another
              number of replicas for more than 15 minutes.`,
          }),
          alert("KubeHpaMaxedOut", {
            severity: "warning",
            for: "15m",
            expr: `
              kube_horizontalpodautoscaler_status_current_replicas{${k}}
                == kube_horizontalpodautoscaler_spec_max_replicas{${k}}
              and on (${by("namespace", "horizontalpodautoscaler")})
                kube_horizontalpodautoscaler_spec_max_replicas{${k}}
                != kube_horizontalpodautoscaler_spec_min_replicas{${k}}`,
            summary: "An autoscaler is at its maximum.",
            description: `HorizontalPodAutoscaler {{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} has been at its
              maximum number of replicas for more than 15 minutes.`,
          }),
          alert("KubePdbNotEnoughHealthyPods", {
            severity: "warning",
            for: "15m",
            expr: `
              kube_poddisruptionbudget_status_desired_healthy{${k}}
              - kube_poddisruptionbudget_status_current_healthy{${k}} > 0`,
            summary: "A disruption budget lacks healthy pods.",
            description: `PodDisruptionBudget {{ $labels.namespace }}/{{ $labels.poddisruptionbudget }} lacks {{ $value }} healthy
              pods: no pod of it can be evicted, and nodes cannot be drained.`,
          }),
        ],
      },
    ],
  };
}
