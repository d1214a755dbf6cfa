/** Containers: command lines, the config reloader, security, and the user's changes to them. */
import { UserError } from "@pharos/model";
import type { Argument, Open } from "../../resources/workload.ts";
import type { WorkloadOptions } from "./options.ts";

export interface Container extends Open {
  name: string;
}

export const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} as const;

/** `--name=value`; an argument of the user that the operator manages itself is refused. */
export function commandLine(own: readonly Argument[], additional: readonly Argument[] = []): string[] {
  const managed = new Set(own.map(({ name }) => name));
  const clash = additional.find(
    ({ name }) => managed.has(name) || managed.has(`no-${name}`) || managed.has(name.replace(/^no-/, "")),
  );
  if (clash) {
    throw new UserError("operator.invalid", `argument ${clash.name} is set by the operator itself`, {
      where: { field: "spec.additionalArgs" },
      fix: "Use the field of the resource that stands for it",
    });
  }
  return [...own, ...additional].map(({ name, value }) => (value ? `--${name}=${value}` : `--${name}`));
}

export function podEnv(name: string, fieldPath: string): Open {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** A handler that asks from inside the container, where it listens on the loopback address alone. */
export function localProbe(url: string): Open {
  const script = `if [ -x "$(command -v curl)" ]; then exec curl --fail ${url}; elif [ -x "$(command -v wget)" ]; then exec wget -q -O /dev/null ${url}; else exit 1; fi`;
  return { exec: { command: ["sh", "-c", script] } };
}

export interface ReloaderSettings {
  init: boolean;
  configFile?: string;
  outputFile?: string;
  watched: readonly string[];
  reloadUrl?: string;
  /** Reload by signal; asks here whether it took effect. */
  runtimeInfoUrl?: string;
  webConfigFile?: string;
  listenLocal?: boolean;
  logLevel?: string;
  logFormat?: string;
  imagePullPolicy?: string;
  volumeMounts: readonly Open[];
  env: readonly Open[];
}

const RELOADER_PORT = 8080;
const INIT_PORT = 8081;

function reloaderResources({ reloader }: WorkloadOptions): Open {
  const pick = (cpu: string, memory: string): Record<string, string> => ({
    ...(cpu && cpu !== "0" ? { cpu } : {}),
    ...(memory && memory !== "0" ? { memory } : {}),
  });
  const requests = pick(reloader.cpuRequest, reloader.memoryRequest);
  const limits = pick(reloader.cpuLimit, reloader.memoryLimit);
  return {
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}

/** Unpacks the configuration, fills in the Pod's name and shard, and tells the program about changes. */
export function configReloader(settings: ReloaderSettings, options: WorkloadOptions): Container {
  const { init, configFile, listenLocal } = settings;
  const port = init ? INIT_PORT : RELOADER_PORT;
  const flag = (name: string, value: string | undefined): string[] => (value ? [`--${name}=${value}`] : []);
  const folder = configFile?.slice(0, configFile.lastIndexOf("/"));
  const watched = folder && !settings.watched.includes(folder) ? [...settings.watched, folder] : settings.watched;
  const bySignal = settings.runtimeInfoUrl !== undefined;
  const probe = listenLocal
    ? localProbe(`http://localhost:${RELOADER_PORT}/healthz`)
    : { httpGet: { path: "/healthz", port: RELOADER_PORT } };
  return {
    name: init ? "init-config-reloader" : "config-reloader",
    image: options.images.configReloader,
    ...(settings.imagePullPolicy ? { imagePullPolicy: settings.imagePullPolicy } : {}),
    command: ["/bin/prometheus-config-reloader"],
    args: [
      ...(init ? ["--watch-interval=0"] : []),
      listenLocal ? `--listen-address=${options.localHost}:${RELOADER_PORT}` : `--listen-address=:${port}`,
      ...flag("web-config-file", settings.webConfigFile),
      ...(bySignal
        ? ["--reload-method=signal", ...flag("runtimeinfo-url", settings.runtimeInfoUrl)]
        : flag("reload-url", settings.reloadUrl)),
      ...flag("config-file", configFile),
      ...flag("config-envsubst-file", settings.outputFile),
      ...watched.map((directory) => `--watched-dir=${directory}`),
      ...(settings.logLevel === "info" ? [] : flag("log-level", settings.logLevel)),
      ...(settings.logFormat === "logfmt" ? [] : flag("log-format", settings.logFormat)),
    ],
    env: [podEnv("POD_NAME", "metadata.name"), ...settings.env],
    ...(listenLocal
      ? {}
      : { ports: [{ name: init ? "reloader-init" : "reloader-web", containerPort: port, protocol: "TCP" }] }),
    volumeMounts: settings.volumeMounts,
    resources: reloaderResources(options),
    securityContext: RESTRICTED,
    terminationMessagePolicy: "FallbackToLogsOnError",
    ...(!init && options.reloader.probes ? { livenessProbe: probe, readinessProbe: probe, startupProbe: probe } : {}),
  };
}

/** Lists whose entries are one by this key; all other lists are replaced as a whole. */
const MERGE_KEYS: Record<string, readonly string[]> = {
  env: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  ports: ["containerPort", "protocol"],
};

function isMap(value: unknown): value is Open {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyOf(entry: Open, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => entry[key] ?? (key === "protocol" ? "TCP" : undefined)));
}

function mergeList(base: readonly unknown[], patch: readonly unknown[], keys: readonly string[]): unknown[] {
  const out = [...base];
  for (const entry of patch) {
    const at = isMap(entry) ? out.findIndex((other) => isMap(other) && keyOf(other, keys) === keyOf(entry, keys)) : -1;
    if (at < 0) out.push(entry);
    else out[at] = mergeMaps(out[at] as Open, entry as Open);
  }
  return out;
}

function mergeMaps(base: Open, patch: Open): Open {
  const out: Open = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    const known = out[key];
    if (value === null) delete out[key];
    else if (isMap(value) && isMap(known)) out[key] = mergeMaps(known, value);
    else if (Array.isArray(value) && Array.isArray(known) && MERGE_KEYS[key])
      out[key] = mergeList(known, value, MERGE_KEYS[key]);
    else out[key] = value;
  }
  return out;
}

/** The user's containers over the operator's: by name merged as `kubectl patch` would, others added. */
export function mergeContainers(own: readonly Container[], user: readonly Container[] = []): Container[] {
  const known = new Set(own.map(({ name }) => name));
  return [
    ...own.map((container) => {
      const patch = user.find(({ name }) => name === container.name);
      return patch ? (mergeMaps(container, patch) as Container) : container;
    }),
    ...user.filter(({ name }) => !known.has(name)),
  ];
}
