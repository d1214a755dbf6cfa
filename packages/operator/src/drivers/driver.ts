/**
 * Where instances run. Everything up to the generated files is the same for every driver; a driver only makes a running
 * Prometheus or Alertmanager out of them.
 */
import type { Alertmanager, Prometheus } from "../resources/types.ts";

/** Everything an instance is made of. File contents by name, relative to the instance's folders. */
export interface DesiredInstance<Resource> {
  resource: Resource;
  /** The main configuration file. */
  config: string;
  /** Rule files (Prometheus) or templates (Alertmanager). */
  files: ReadonlyMap<string, string>;
  /** TLS material. */
  certificates: ReadonlyMap<string, string>;
}

export interface InstanceState {
  /** Base URL people and tools reach it at. */
  url: string;
  ready: boolean;
  message: string;
}

export interface InstancePaths {
  /** Folder of TLS material, as the instance sees it. */
  certificates: string;
  /** Glob of its rule files, as the instance sees it. */
  rules: string;
}

export interface InstanceDriver extends AsyncDisposable {
  /** `api_server` for service discovery of instances; undefined where they run inside the cluster. */
  readonly apiServer: string | undefined;
  pathsOf(kind: "Prometheus" | "Alertmanager", namespace: string, name: string): InstancePaths;
  /** Starts the instance or brings the running one to this state; throws when it cannot, leaving the old state. */
  applyPrometheus(desired: DesiredInstance<Prometheus>): Promise<InstanceState>;
  applyAlertmanager(desired: DesiredInstance<Alertmanager>): Promise<InstanceState>;
  /** Stops the instance; its data stays where it is. */
  remove(kind: "Prometheus" | "Alertmanager", namespace: string, name: string): Promise<void>;
}
