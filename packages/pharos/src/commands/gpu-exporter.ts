import { createGpuExporter, gpuExporterFlags } from "@pharos/gpu-exporter";
import { describeFlags, type FlagSpecs, parseFlags } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { type Command, interrupted, LOG_FLAGS, loggerFrom, splitAddress } from "./command.ts";

const FLAGS = { ...gpuExporterFlags, ...LOG_FLAGS } as const satisfies FlagSpecs;

export const gpuExporter: Command = {
  name: "gpu-exporter",
  summary: "Run an exporter of NVIDIA GPUs.",
  help: () => describeFlags(FLAGS),
  async run(argv) {
    // Upstream's program is content with one dash.
    const { values } = parseFlags(
      FLAGS,
      argv.map((arg) => (/^-web\./.test(arg) ? `-${arg}` : arg)),
    );
    const listen = splitAddress(values["web.listen-address"]);
    if (!listen) {
      throw new UserError("pharos.flag", `not an address: ${JSON.stringify(values["web.listen-address"])}`, {
        where: { flag: "--web.listen-address" },
        fix: "Write it like :9445",
      });
    }
    const log = loggerFrom(values);
    const stopRequested = interrupted();
    await using exporter = await createGpuExporter({ flags: values, ...listen, log });
    log.info("Listening on", { address: exporter.url });
    await stopRequested;
    return 0;
  },
};
