/** Alertmanager's own flags, as far as this version acts on them; any other is refused by name. */
import type { FlagSpecs, ParsedFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { AlertmanagerOptions } from "./server.ts";

export const alertmanagerFlags = {
  "config.file": { type: "string", default: "alertmanager.yml", help: "Alertmanager configuration file name." },
  "storage.path": { type: "string", default: "data/", help: "Base path for data storage." },
  "data.retention": { type: "duration", default: "120h", help: "How long to keep data for." },
  "alerts.gc-interval": { type: "duration", default: "30m", help: "Interval between alert GC." },
  "web.listen-address": { type: "string", default: ":9093", help: "Address to listen on for the API and metrics." },
  "web.external-url": { type: "string", help: "The URL under which Alertmanager is externally reachable." },
  "cluster.listen-address": {
    type: "string",
    default: "",
    help: "Only the empty value is accepted: this version does not form clusters.",
  },
} as const satisfies FlagSpecs;

export function alertmanagerOptions(
  values: ParsedFlags<typeof alertmanagerFlags>["values"],
): Omit<AlertmanagerOptions, "log"> {
  if (values["cluster.listen-address"] !== "")
    throw new UserError("alertmanager.unsupported", "this version does not form clusters", {
      where: { flag: "--cluster.listen-address" },
      fix: "Leave the flag out or give it an empty value",
    });
  const address = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(values["web.listen-address"]);
  if (!address)
    throw new UserError("alertmanager.flag", `not an address: ${JSON.stringify(values["web.listen-address"])}`, {
      where: { flag: "--web.listen-address" },
      fix: "Write it like 127.0.0.1:9093",
    });
  return {
    configFile: values["config.file"],
    storageDir: values["storage.path"],
    listen: { host: address[1] || address[2] || "0.0.0.0", port: Number(address[3]) },
    externalUrl: values["web.external-url"],
    retentionMs: values["data.retention"],
    gcIntervalMs: values["alerts.gc-interval"],
  };
}
