import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { stringify } from "yaml";
import { installObjects, PARTS } from "../install/objects.ts";
import type { Command } from "./command.ts";

const FLAGS = {
  namespace: { type: "string", default: "monitoring", help: "Namespace of everything." },
  image: {
    type: "string",
    help: "Image with Pharos, for the components. There is none that is published yet: build your own.",
  },
  components: {
    type: "string",
    default: "operator,node-exporter,kube-state-metrics,instances",
    help: `Comma-separated parts: ${PARTS.join(", ")}.`,
  },
  "no-crds": { type: "boolean", help: "Leave out the definitions of the resources." },
} as const satisfies FlagSpecs;

const CRDS = join(import.meta.dirname, "../../../../deploy/crds");

export const install: Command = {
  name: "install",
  summary: "Write the manifests of a cluster's installation: pharos install … | kubectl apply --server-side -f -",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    const { values } = parseFlags(FLAGS, argv);
    const components = values.components.split(",").map((name) => name.trim());
    const unknown = components.find((name) => !PARTS.includes(name));
    if (unknown !== undefined) {
      throw new UserError("pharos.flag", `there is no component ${JSON.stringify(unknown)}`, {
        where: { flag: "--components" },
        fix: `Choose from ${PARTS.join(", ")}`,
      });
    }
    const { image, namespace } = values;
    if (!image) {
      throw new UserError("pharos.flag", "the image is missing", {
        where: { flag: "--image" },
        fix: "Name an image whose entry point is pharos",
      });
    }
    if (!values["no-crds"]) {
      for (const file of readdirSync(CRDS)
        .filter((name) => name.endsWith(".yaml"))
        .sort()) {
        process.stdout.write(
          `---\n${readFileSync(join(CRDS, file), "utf8")
            .replace(/^---\n/, "")
            .trimEnd()}\n`,
        );
      }
    }
    for (const object of installObjects({ namespace, image, components })) {
      process.stdout.write(`---\n${stringify(object, { aliasDuplicateObjects: false })}`);
    }
    return 0;
  },
};
