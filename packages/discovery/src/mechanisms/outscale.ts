/** outscale_sd_configs: virtual machines of Outscale; requests are signed as AWS' are. */
import { readFileSync } from "node:fs";
import { signV4 } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";
import { Json } from "../api/json.ts";
import { defined, joinHostPort, sanitize } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";

const PREFIX = "__meta_outscale_vm_";

function machineLabels(machine: Json, region: string, port: number): TargetLabels[] {
  const privateIp = machine.text("PrivateIp");
  const publicIp = machine.text("PublicIp");
  const address = privateIp || publicIp;
  if (address === "") return [];
  const subregion = machine.get("Placement", "SubregionName");
  const labels = defined({
    __address__: joinHostPort(address, port),
    [`${PREFIX}instance_id`]: machine.text("VmId"),
    [`${PREFIX}region`]: region,
    [`${PREFIX}state`]: machine.text("State"),
    [`${PREFIX}subregion`]: subregion.exists ? subregion.text() : undefined,
    [`${PREFIX}private_ip`]: machine.get("PrivateIp").exists ? privateIp : undefined,
    [`${PREFIX}public_ip`]: machine.get("PublicIp").exists ? publicIp : undefined,
  });
  for (const tag of machine.items("Tags")) {
    const [key, value] = [tag.text("Key"), tag.text("Value")];
    if (key !== "" && value !== "") labels[`${PREFIX}tag_${sanitize(key)}`] = value;
  }
  return [labels];
}

export const outscaleMechanism = refreshMechanism({
  name: "outscale",
  things: "virtual machines",
  parse(settings) {
    const config = {
      region: settings.text("region", "eu-west-2"),
      accessKey: settings.text("access_key"),
      secretKey: settings.secret("secret_key"),
      secretKeyFile: settings.file("secret_key_file"),
      port: settings.integer("port", 80),
    };
    const endpoint = settings.text("endpoint");
    const { region, accessKey, secretKey, secretKeyFile } = config;
    if (region === "") throw settings.fail("outscale SD configuration requires a region");
    if (accessKey === "") throw settings.fail("outscale SD configuration requires access_key");
    if (!secretKey && secretKeyFile === "")
      throw settings.fail("one of secret_key & secret_key_file must be configured");
    if (secretKey && secretKeyFile !== "") {
      throw settings.fail("at most one of secret_key & secret_key_file must be configured");
    }
    return { ...config, endpoint: endpoint || `https://api.${region}.outscale.com/api/v1` };
  },
  place: ({ endpoint }) => endpoint,
  open({ endpoint, region, accessKey, secretKey, secretKeyFile, port }, { api }) {
    const url = new URL(`${endpoint.replace(/\/$/, "")}/ReadVms`);
    return async () => {
      const credentials = { accessKey, secretKey: secretKey?.reveal() ?? readFileSync(secretKeyFile, "utf8").trim() };
      const machines: Json[] = [];
      let token = "";
      do {
        const body = JSON.stringify(token === "" ? {} : { NextPageToken: token });
        const headers = { "content-type": "application/json" };
        const signed = signV4(
          { method: "POST", url, headers, body, service: "oapi", region, now: Date.now() },
          credentials,
        );
        const answer = await api.get(String(url), { method: "POST", headers: signed, body });
        const page = Json.parse(answer.body.toString("utf8"));
        machines.push(...page.items("Vms"));
        token = page.text("NextPageToken");
      } while (token !== "");
      return found(
        region,
        machines.flatMap((machine) => machineLabels(machine, region, port)),
        machines.length,
      );
    };
  },
});
