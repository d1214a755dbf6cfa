/** From a command line to the values of an installation; the same for every command that needs them. */
import { type FlagSpecs, type ParsedFlags, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import {
  PROFILES,
  type Profile,
  readSetting,
  readValuesFile,
  resolveValues,
  type ValueName,
  type Values,
} from "./values.ts";

/** Names of components on the command line, and the value each one switches. */
const PARTS: Readonly<Record<string, ValueName>> = {
  operator: "operator.enabled",
  "node-exporter": "nodeExporter.enabled",
  "kube-state-metrics": "kubeStateMetrics.enabled",
  "gpu-exporter": "gpuExporter.enabled",
  ui: "grafana.enabled",
  mesh: "mesh.enabled",
  instances: "instances.enabled",
};

export const PLAN_FLAGS = {
  namespace: { type: "string", help: "Namespace of everything (value namespace)." },
  image: {
    type: "string",
    help: "Image with Pharos, for the components. There is none that is published yet: build your own (npm run image).",
  },
  domain: { type: "string", help: "Domain of the cluster: the UI is at https://grafana.DOMAIN (value domain)." },
  profile: {
    type: "string",
    default: "default",
    choices: PROFILES,
    help: "Sizes and retention.",
  },
  components: {
    type: "string",
    help: `Comma-separated parts, and no others: ${Object.keys(PARTS).join(", ")}.`,
  },
  set: { type: "string", multiple: true, help: "A value: --set NAME=VALUE. Can be repeated; the last one counts." },
  values: {
    type: "string",
    short: "f",
    multiple: true,
    help: "YAML file of values. Can be repeated; --set counts more.",
  },
} as const satisfies FlagSpecs;

function componentsGiven(text: string): { name: ValueName; value: boolean; where: UserError["where"] }[] {
  const where = { flag: "--components" };
  const wanted = text.split(",").flatMap((name) => name.trim() || []);
  const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) {
    throw new UserError("pharos.flag", `there is no component ${JSON.stringify(unknown)}`, {
      where,
      fix: `Choose from ${Object.keys(PARTS).join(", ")}`,
    });
  }
  return Object.entries(PARTS).map(([part, name]) => ({ name, value: wanted.includes(part), where }));
}

/** Reads flags and values; a UserError says which one is wrong and why. */
export function readPlan<const S extends typeof PLAN_FLAGS & FlagSpecs>(
  specs: S,
  argv: readonly string[],
  { imageOptional = false } = {},
): { flags: ParsedFlags<S>["values"]; values: Values } {
  const { values: flags, positionals } = parseFlags(specs, argv);
  if (positionals.length > 0) {
    throw new UserError("pharos.argument", `unexpected argument ${JSON.stringify(positionals[0])}`, {
      fix: "See --help",
    });
  }
  const {
    namespace,
    image,
    domain,
    profile,
    components,
    set,
    values: files,
  } = flags as ParsedFlags<typeof PLAN_FLAGS>["values"];
  const named = Object.entries({ namespace, image, domain }).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name: name as ValueName, value, where: { flag: `--${name}` } }],
  );
  const values = resolveValues(profile as Profile, [
    ...files.flatMap(readValuesFile),
    ...(components === undefined ? [] : componentsGiven(components)),
    ...named,
    ...set.map(readSetting),
  ]);
  if (values.image === "" && !imageOptional) {
    throw new UserError("pharos.flag", "the image is missing", {
      where: { flag: "--image" },
      fix: "Name an image whose entry point is pharos",
    });
  }
  return { flags, values };
}
