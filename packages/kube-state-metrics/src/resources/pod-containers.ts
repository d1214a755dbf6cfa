/** Families about the containers of pods; init containers have the same ones under names of their own. */
import { type Family, FamilyMaker, type Labels, type Stability } from "../family.ts";
import { emitContainerResources } from "../values/resource-units.ts";
import { unixSeconds } from "../values/time.ts";
import type { Container, ContainerStatus, Pod } from "./pod-fields.ts";

interface Kind {
  prefix: string;
  /** How help texts call one: `container`. */
  word: string;
  /** With its article. */
  one: string;
  containers(pod: Pod): readonly Container[];
  statuses(pod: Pod): readonly ContainerStatus[];
  infoLabels(container: Container): Labels;
  /** Of the families whose stability differs between the two kinds. */
  stability: Stability;
  restartsHelp: string;
  resourceHelp: { limits: string; requests: string };
}

const SCHEDULER_HAS_IT = (what: string): string =>
  ` It is recommended to use the kube_pod_resource_${what} metric exposed by kube-scheduler instead, as it is more precise.`;

const CONTAINERS: Kind = {
  prefix: "kube_pod_container_",
  word: "container",
  one: "a container",
  containers: ({ spec }) => spec?.containers ?? [],
  statuses: ({ status }) => status?.containerStatuses ?? [],
  infoLabels: () => [],
  stability: "STABLE",
  restartsHelp: "The number of container restarts per container.",
  resourceHelp: { limits: SCHEDULER_HAS_IT("limits"), requests: SCHEDULER_HAS_IT("requests") },
};

const INIT_CONTAINERS: Kind = {
  prefix: "kube_pod_init_container_",
  word: "init container",
  one: "an init container",
  containers: ({ spec }) => spec?.initContainers ?? [],
  statuses: ({ status }) => status?.initContainerStatuses ?? [],
  infoLabels: ({ restartPolicy }) => ["restart_policy", restartPolicy ?? ""],
  stability: "ALPHA",
  restartsHelp: "The number of restarts for the init container.",
  resourceHelp: { limits: "", requests: "" },
};

function familiesOf({ prefix, word, one, containers, statuses, infoLabels, ...kind }: Kind): Family<Pod>[] {
  const make = new FamilyMaker<Pod>(prefix);
  const { stability, resourceHelp } = kind;
  /** One series a container with what `value` says; none where that is undefined. */
  const each = (
    name: string,
    stable: Stability,
    help: string,
    value: (status: ContainerStatus) => number | undefined,
    labels?: (status: ContainerStatus) => Labels,
  ): Family<Pod> =>
    make.gauge(name, stable, help, (pod, emit) => {
      for (const status of statuses(pod)) {
        const found = value(status);
        if (found === undefined) continue;
        emit(found, labels ? ["container", status.name, ...labels(status)] : ["container", status.name]);
      }
    });
  const resources = (which: "limits" | "requests", noun: string): Family<Pod> =>
    make.gauge(
      `resource_${which}`,
      stability,
      `The number of requested ${noun} resource by ${one}.${resourceHelp[which]}`,
      (pod, emit) => {
        for (const { name, resources: lists } of containers(pod)) {
          emitContainerResources(lists?.[which], emit, name, pod.spec?.nodeName);
        }
      },
    );
  return [
    make.gauge("info", "STABLE", `Information about ${one} in a pod.`, (pod, emit) => {
      const known = statuses(pod);
      for (const container of containers(pod)) {
        for (const { name, image, imageID, containerID } of known) {
          if (name !== container.name) continue;
          emit(1, [
            "container",
            name,
            "image_spec",
            container.image,
            "image",
            image,
            "image_id",
            imageID,
            "container_id",
            containerID,
            ...infoLabels(container),
          ]);
        }
      }
    }),
    resources("limits", "limit"),
    resources("requests", "request"),
    each("state_started", stability, `Start time in unix timestamp for a pod ${word}.`, ({ state }) => {
      const begun = state?.running ?? state?.terminated;
      return begun ? unixSeconds(begun.startedAt) : undefined;
    }),
    each(
      "status_last_terminated_reason",
      "ALPHA",
      `Describes the last reason the ${word} was in terminated state.`,
      ({ lastState }) => (lastState?.terminated ? 1 : undefined),
      ({ lastState }) => ["reason", lastState?.terminated?.reason],
    ),
    each(
      "status_last_terminated_exitcode",
      "ALPHA",
      `Describes the exit code for the last ${word} in terminated state.`,
      ({ lastState }) => (lastState?.terminated ? (lastState.terminated.exitCode ?? 0) : undefined),
    ),
    each(
      "status_last_terminated_timestamp",
      "ALPHA",
      `Last terminated time for a pod ${word} in unix timestamp.`,
      ({ lastState }) => (lastState?.terminated ? unixSeconds(lastState.terminated.finishedAt) : undefined),
    ),
    each("status_ready", "STABLE", `Describes whether the ${word}s readiness check succeeded.`, ({ ready }) =>
      Number(ready ?? false),
    ),
    {
      ...each("status_restarts_total", "STABLE", kind.restartsHelp, ({ restartCount }) => restartCount ?? 0),
      type: "counter",
    },
    each("status_running", "STABLE", `Describes whether the ${word} is currently in running state.`, ({ state }) =>
      Number(Boolean(state?.running)),
    ),
    each(
      "status_terminated",
      "STABLE",
      `Describes whether the ${word} is currently in terminated state.`,
      ({ state }) => Number(Boolean(state?.terminated)),
    ),
    each(
      "status_terminated_reason",
      "ALPHA",
      `Describes the reason the ${word} is currently in terminated state.`,
      ({ state }) => (state?.terminated ? 1 : undefined),
      ({ state }) => ["reason", state?.terminated?.reason],
    ),
    each("status_waiting", "STABLE", `Describes whether the ${word} is currently in waiting state.`, ({ state }) =>
      Number(Boolean(state?.waiting)),
    ),
    each(
      "status_waiting_reason",
      stability,
      `Describes the reason the ${word} is currently in waiting state.`,
      ({ state }) => (state?.waiting ? 1 : undefined),
      ({ state }) => ["reason", state?.waiting?.reason],
    ),
  ];
}

export const containerFamilies: readonly Family<Pod>[] = [...familiesOf(CONTAINERS), ...familiesOf(INIT_CONTAINERS)];
