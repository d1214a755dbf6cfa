/** Applies and deletes resources with real kubectl where there is one, else with the HTTP requests it would send. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";

const run = promisify(execFile);

function findKubectl(): boolean {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export interface Cluster {
  /** "kubectl" or "HTTP": which of the two this is, for the test's output. */
  readonly kind: string;
  /** Applies all documents of a file; rejects with the server's reason. */
  apply(file: string, serverSide?: boolean): Promise<void>;
  delete(file: string): Promise<void>;
}

/** kubectl with an empty home, so that no configuration or cache of the machine plays a part. */
class Kubectl implements Cluster {
  readonly kind = "kubectl";
  readonly #server: string;
  readonly #home = mkdtempSync(join(tmpdir(), "pharos-kubectl-"));

  constructor(server: string) {
    this.#server = server;
  }

  async run(...args: string[]): Promise<string> {
    const env = { PATH: process.env.PATH, HOME: this.#home, KUBECONFIG: join(this.#home, "none") };
    const { stdout } = await run("kubectl", ["--server", this.#server, ...args], { env, timeout: 60_000 });
    return stdout;
  }

  async apply(file: string, serverSide = false): Promise<void> {
    await this.run("apply", ...(serverSide ? ["--server-side"] : []), "-f", file);
  }

  async delete(file: string): Promise<void> {
    await this.run("delete", "-f", file, "--ignore-not-found");
  }
}

const PLURALS: Record<string, string> = {
  Namespace: "/api/v1/namespaces",
  Service: "/api/v1/namespaces/NS/services",
  Secret: "/api/v1/namespaces/NS/secrets",
  ConfigMap: "/api/v1/namespaces/NS/configmaps",
  EndpointSlice: "/apis/discovery.k8s.io/v1/namespaces/NS/endpointslices",
  ServiceMonitor: "/apis/monitoring.coreos.com/v1/namespaces/NS/servicemonitors",
  PrometheusRule: "/apis/monitoring.coreos.com/v1/namespaces/NS/prometheusrules",
  AlertmanagerConfig: "/apis/monitoring.coreos.com/v1alpha1/namespaces/NS/alertmanagerconfigs",
};

class Http implements Cluster {
  readonly kind = "HTTP";
  readonly #server: string;

  constructor(server: string) {
    this.#server = server;
  }

  async #each(file: string, method: string, query: string): Promise<void> {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
      const object = document.toJS() as { kind: string; metadata: { name: string; namespace?: string } } | null;
      if (!object) continue;
      const path = PLURALS[object.kind].replace("NS", object.metadata.namespace ?? "default");
      const answer = await fetch(`${this.#server}${path}/${object.metadata.name}${query}`, {
        method,
        headers: { "Content-Type": "application/apply-patch+yaml" },
        body: method === "PATCH" ? JSON.stringify(object) : undefined,
      });
      if (!answer.ok && !(method === "DELETE" && answer.status === 404)) {
        throw new Error(((await answer.json()) as { message: string }).message);
      }
    }
  }

  apply(file: string): Promise<void> {
    return this.#each(file, "PATCH", "?fieldManager=e2e&force=true");
  }

  delete(file: string): Promise<void> {
    return this.#each(file, "DELETE", "");
  }
}

export function connect(server: string): Cluster {
  return findKubectl() ? new Kubectl(server) : new Http(server);
}
