/** From the running components to the facts the flow is drawn from. */
import type { Alertmanager } from "@pharos/alertmanager";
import type { AlertmanagerFacts, PrometheusFacts, ResourceFacts } from "@pharos/explain";
import type { ApiServer } from "@pharos/kube";
import { describeWhere } from "@pharos/model";
import type { PrometheusServer } from "@pharos/prometheus";

export function resourceFacts(api: ApiServer): ResourceFacts {
  const counts: Record<string, number> = {};
  for (const { kind } of api.store.all()) counts[kind] = (counts[kind] ?? 0) + 1;
  return {
    counts,
    problems: api.problems().map(({ where, message, fix }) => ({ object: describeWhere(where), message, fix })),
  };
}

function named<Server, Facts>(servers: ReadonlyMap<string, Server>, facts: (server: Server) => Facts) {
  return [...servers].map(([key, server]) => {
    const [namespace, name] = key.split("/");
    return { namespace, name, ...facts(server) };
  });
}

export function prometheusFacts(servers: ReadonlyMap<string, PrometheusServer>): PrometheusFacts[] {
  return named(servers, (server) => server.facts());
}

export function alertmanagerFacts(servers: ReadonlyMap<string, Alertmanager>): AlertmanagerFacts[] {
  return named(servers, (server) => server.status());
}
