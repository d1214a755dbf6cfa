/** ThanosRuler → one StatefulSet. */
import type { KubeObject } from "@pharos/kube";
import type { ThanosRuler } from "../../resources/thanos-ruler.ts";
import type { Open } from "../../resources/workload.ts";
import { secretFiles, THANOS_FOLDERS, thanosRulerArgs } from "../../thanos/args.ts";
import { atLeast } from "../../version.ts";
import type { DesiredInstance } from "../driver.ts";
import { webConfigSecretName } from "./config-objects.ts";
import { type Container, commandLine, configReloader, mergeContainers, podEnv, RESTRICTED } from "./containers.ts";
import { prefixedName, selectorLabels, storageVolumeName } from "./names.ts";
import { DEFAULT_VERSIONS, imageOf, type WorkloadOptions } from "./options.ts";
import { compact, type PodParts, statefulSet } from "./pod.ts";
import { ruleMounts, storageOf, tlsAssetsVolume } from "./volumes.ts";
import { type WebConfig, webConfig } from "./web-config.ts";

const WEB_FOLDER = "/etc/thanos/web_config";
const GRACE_SECONDS = 120;
/** The version that can write remotely, and with it keep no data of its own. */
const REMOTE_WRITE_SINCE = "0.24.0";
const REMOTE_WRITE_VOLUME = "remote-write-config";
export const REMOTE_WRITE_KEY = "remote-write.yaml";

export function thanosConfigSecretName({ metadata }: ThanosRuler): string {
  return `${prefixedName("ThanosRuler", metadata.name ?? "")}-config`;
}

/** Whether samples of rules are sent on. */
export function writesRemotely({ spec }: ThanosRuler): boolean {
  return Boolean(spec.remoteWrite?.length) && atLeast(spec.version || DEFAULT_VERSIONS.ThanosRuler, REMOTE_WRITE_SINCE);
}

export function thanosWebConfig(desired: DesiredInstance): WebConfig {
  return webConfig((desired.resource as ThanosRuler).spec.web, webConfigSecretName(desired), WEB_FOLDER);
}

function fileMounts(ruler: ThanosRuler): { volumes: Open[]; mounts: Open[] } {
  const files = secretFiles(ruler.spec);
  const remote = writesRemotely(ruler);
  const item = (volume: string, name: string | undefined, key: string | undefined): Open => ({
    name: volume,
    secret: { secretName: name, items: [{ key, path: key }] },
  });
  return {
    volumes: [
      ...files.map(({ volume, reference }) => item(volume, reference.name, reference.key)),
      ...(remote ? [item(REMOTE_WRITE_VOLUME, thanosConfigSecretName(ruler), REMOTE_WRITE_KEY)] : []),
    ],
    mounts: [...files.map(({ volume }) => volume), ...(remote ? [REMOTE_WRITE_VOLUME] : [])].map((name) => ({
      name,
      mountPath: `${THANOS_FOLDERS.config}/${name}`,
      readOnly: true,
    })),
  };
}

export function thanosRulerWorkload(
  desired: DesiredInstance,
  tlsSecrets: readonly string[],
  ruleMaps: readonly string[],
  options: WorkloadOptions,
): KubeObject {
  const ruler = desired.resource as ThanosRuler;
  const { spec, metadata } = ruler;
  const name = metadata.name ?? "";
  const version = spec.version || DEFAULT_VERSIONS.ThanosRuler;
  const web = thanosWebConfig(desired);
  const storage = storageOf(spec.storage, storageVolumeName("ThanosRuler", name));
  const rules = ruleMounts(ruleMaps, THANOS_FOLDERS.rules);
  const files = fileMounts(ruler);
  const args = thanosRulerArgs(ruler);
  if (writesRemotely(ruler)) {
    args.push({
      name: "remote-write.config-file",
      value: `${THANOS_FOLDERS.config}/${REMOTE_WRITE_VOLUME}/${REMOTE_WRITE_KEY}`,
    });
  }
  args.push({ name: "http.config", value: web.path });
  const scheme = spec.web?.tlsConfig ? "https" : "http";
  const reload = `${spec.routePrefix ?? ""}/-/reload`.replace(/\/{2,}/g, "/");
  const main: Container = {
    name: "thanos-ruler",
    ...compact({
      image: imageOf(spec, options.images.thanos, version),
      imagePullPolicy: spec.imagePullPolicy,
      args: ["rule", ...commandLine(args, spec.additionalArgs)],
      env: [podEnv("POD_NAME", "metadata.name")],
      ports: [
        { name: "grpc", containerPort: 10901, protocol: "TCP" },
        ...(spec.listenLocal ? [] : [{ name: spec.portName || "web", containerPort: 10902, protocol: "TCP" }]),
      ],
      volumeMounts: [
        ...files.mounts,
        { name: "tls-assets", readOnly: true, mountPath: THANOS_FOLDERS.certificates },
        { name: storage.volume, mountPath: THANOS_FOLDERS.storage },
        ...rules.mounts,
        ...(spec.volumeMounts ?? []),
        ...web.mounts,
      ],
      resources: { ...spec.resources, requests: { memory: "200Mi", ...spec.resources?.requests } },
      securityContext: RESTRICTED,
      terminationMessagePolicy: "FallbackToLogsOnError",
    }),
  };
  const reloader = configReloader(
    {
      init: false,
      watched: rules.watched,
      reloadUrl: `${scheme}://${options.localHost}:10902${reload}`,
      webConfigFile: web.path,
      listenLocal: spec.listenLocal,
      logLevel: spec.logLevel,
      logFormat: spec.logFormat,
      imagePullPolicy: spec.imagePullPolicy,
      env: [{ name: "SHARD", value: "-1" }],
      volumeMounts: [
        ...rules.mounts.map(({ name: volume, mountPath }) => ({ name: volume, mountPath })),
        ...web.mounts,
      ],
    },
    options,
  );
  const parts: PodParts = {
    name: prefixedName("ThanosRuler", name),
    selector: selectorLabels("ThanosRuler", name),
    labels: {},
    mainContainer: "thanos-ruler",
    version,
    containers: mergeContainers([main, reloader], spec.containers as Container[]),
    initContainers: mergeContainers([], spec.initContainers as Container[]),
    volumes: [tlsAssetsVolume(tlsSecrets), ...files.volumes, ...rules.volumes, ...storage.volumes, ...web.volumes],
    claims: storage.claims,
    terminationGraceSeconds: GRACE_SECONDS,
  };
  return statefulSet(desired, parts, Math.max(0, spec.replicas ?? 1), options);
}
