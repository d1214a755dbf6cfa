/** puppetdb_sd_configs: resources that a PuppetDB query finds. */
import type { TargetLabels } from "@pharos/model";

import { Json } from "../api/json.ts";
import { joinHostPort, sanitize, surround } from "../labels.ts";
import { found, refreshMechanism } from "../refresh.ts";
import { checkHttpUrl } from "../settings.ts";

const PREFIX = "__meta_puppetdb_";
const JSON_TYPE = /^application\/json(;\s*charset=("utf-8"|utf-8))?$/i;

/** As Go writes a float with the fewest digits: with an exponent below -4 and from 6 on. */
function numberText(value: number): string {
  const [mantissa, exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function scalarText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  return typeof value === "number" ? numberText(value) : "";
}

/** Parameters as labels: lists joined, objects flattened; what is empty is left out. */
function parameterLabels(parameters: Json, prefix: string): TargetLabels {
  const labels: TargetLabels = {};
  for (const [key, parameter] of parameters.entries()) {
    const { value } = parameter;
    const name = prefix + sanitize(key);
    if (Array.isArray(value)) {
      const text = value.map(scalarText).join(",");
      if (text !== "") labels[name] = text;
    } else if (typeof value === "object" && value !== null)
      Object.assign(labels, parameterLabels(parameter, `${name}_`));
    else if (scalarText(value) !== "") labels[name] = scalarText(value);
  }
  return labels;
}

export const puppetdbMechanism = refreshMechanism({
  name: "puppetdb",
  things: "resources",
  parse(settings) {
    const config = {
      url: settings.text("url"),
      query: settings.text("query"),
      includeParameters: settings.flag("include_parameters", false),
      port: settings.integer("port", 80),
    };
    checkHttpUrl(config.url, settings);
    if (config.query === "") throw settings.fail("query missing");
    return config;
  },
  place: ({ url, query }) => `${url} with query ${JSON.stringify(query)}`,
  open({ url: base, query, includeParameters, port }, { api }) {
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/pdb/query/v4`;
    return async () => {
      const { status, headers, body } = await api.fetch(String(url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });
      if (status !== 200) throw new Error(`server returned HTTP status ${status}`);
      const type = String(headers["content-type"] ?? "");
      if (!JSON_TYPE.test(type)) throw new Error(`unsupported content type ${type}`);
      const targets = Json.parse(body.toString("utf8"))
        .items()
        .map((resource): TargetLabels => {
          const tags = resource.texts("tags");
          return {
            [`${PREFIX}query`]: query,
            [`${PREFIX}certname`]: resource.text("certname"),
            [`${PREFIX}resource`]: resource.text("resource"),
            [`${PREFIX}type`]: resource.text("type"),
            [`${PREFIX}title`]: resource.text("title"),
            [`${PREFIX}exported`]: String(resource.flag("exported")),
            [`${PREFIX}file`]: resource.text("file"),
            [`${PREFIX}environment`]: resource.text("environment"),
            __address__: joinHostPort(resource.text("certname"), port),
            ...(tags.length > 0 && { [`${PREFIX}tags`]: surround(tags) }),
            // Not by default: parameters may be secrets.
            ...(includeParameters && parameterLabels(resource.get("parameters"), `${PREFIX}parameter_`)),
          };
        });
      return found(`${url}?query=${query}`, targets);
    };
  },
});
