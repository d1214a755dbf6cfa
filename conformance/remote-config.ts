/** Prometheus' files for the Azure AD section of remote write, and for agent mode: refused in its words, or taken. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseYaml } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { loadConfigFile } from "@pharos/prometheus";
import { parseAzure } from "@pharos/remote";
import type { Suite, SuiteResult } from "./suite.ts";

const SEVERAL = "cannot provide multiple authentication methods in the Azure AD config";

/** What is wrong with each bad file, by the end of its name. */
const AZURE: Readonly<Record<string, string>> = {
  configmissing:
    "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth, Azure Certificate or Azure SDK in the Azure AD config",
  invalidclientid: "the provided Azure Managed Identity client_id is invalid",
  invalidoauthconfig: "must provide an Azure OAuth tenant_id in the Azure AD config",
  twoconfig: SEVERAL,
  oauthsdkconfig: SEVERAL,
  workloadidentity_invalidclientid: "the provided Azure Workload Identity client_id is invalid",
  workloadidentity_invalidtenantid: "the provided Azure Workload Identity tenant_id is invalid",
  workloadidentity_missingclientid: "must provide an Azure Workload Identity client_id in the Azure AD config",
  workloadidentity_missingtenantid: "must provide an Azure Workload Identity tenant_id in the Azure AD config",
  scope_invalid: "the provided scope contains invalid characters",
  certificate_missingclientid: "must provide an Azure Certificate client_id in the Azure AD config",
  certificate_missingtenantid: "must provide an Azure Certificate tenant_id in the Azure AD config",
  certificate_missingpath: "must provide an Azure Certificate certificate_path in the Azure AD config",
  certificate_invalidclientid: "the provided Azure Certificate client_id is invalid",
  certificate_oauth: SEVERAL,
};

const AGENT: Readonly<Record<string, string | undefined>> = {
  "agent_mode.with_alert_manager.yml": "field alerting is not allowed in agent mode",
  "agent_mode.with_alert_relabels.yml": "field alerting is not allowed in agent mode",
  "agent_mode.with_rule_files.yml": "field rule_files is not allowed in agent mode",
  "agent_mode.with_remote_reads.yml": "field remote_read is not allowed in agent mode",
  "agent_mode.without_remote_writes.yml": undefined,
  "agent_mode.good.yml": undefined,
};

function check(result: SuiteResult, file: string, wanted: string | undefined, load: () => void): void {
  result.total++;
  let message: string | undefined;
  try {
    load();
  } catch (error) {
    message = describeError(error);
  }
  if (wanted === undefined ? message === undefined : message?.includes(wanted)) result.passed++;
  else result.failures.push(`${file}: wanted ${wanted ?? "no complaint"}, got ${message ?? "none"}`);
}

function run(folder: string): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  const azure = join(folder, "azuread");
  for (const file of readdirSync(azure).sort()) {
    const bad = /^azuread_bad_(.*)\.yaml$/.exec(file)?.[1];
    const wanted = bad === undefined ? undefined : (AZURE[bad] ?? "(a message that is not known)");
    check(result, file, wanted, () => parseAzure(parseYaml(readFileSync(join(azure, file), "utf8"), file)));
  }
  for (const [file, wanted] of Object.entries(AGENT)) {
    check(result, file, wanted, () => loadConfigFile(join(folder, "config-testdata", file), { agentMode: true }));
  }
  return result;
}

export const suites: Suite[] = [{ name: "remote-config", data: "prometheus", run }];
