import { type Collector, FamilySet } from "../collector.ts";
import { inPool } from "../device-file.ts";
import { readdir, readFile } from "../system.ts";

/** supervise/status: u64 TAI64 seconds, big-endian · u32 ns · u32 pid · u8 paused · u8 wanted · u8 term · u8 state */
const STATUS_BYTES = 20;
const WANTED = 17;
const STATE = 19;
/** TAI64 of the Unix epoch. */
const TAI_OFFSET = 4_611_686_018_427_387_914n;

const HELP = {
  state: "State of runit service.",
  desired_state: "Desired state of runit service.",
  normal_state: "Normal state of runit service.",
  state_last_change_timestamp_seconds: "Unix timestamp of the last runit service state change.",
} as const;

export const runit: Collector = {
  name: "runit",
  async collect({ flags, log }) {
    const root = String(flags["collector.runit.servicedir"]);
    const out = new FamilySet();
    for (const service of (await inPool<string[]>((done) => readdir(root, done))).sort()) {
      const read = (file: string): Promise<Buffer> =>
        inPool<Buffer>((done) => readFile(`${root}/${service}/${file}`, done));
      const labels = ["supervisor", "runit", "service", service];
      const gauge = (name: keyof typeof HELP, value: number): void =>
        out.gauge(`node_service_${name}`, HELP[name], value, labels);
      try {
        const status = await read("supervise/status");
        if (status.length !== STATUS_BYTES) throw new Error(`a status of ${status.length} bytes`);
        // A file `down` says that the service is not to be started by itself.
        const normallyUp = await read("down").then(
          () => false,
          () => true,
        );
        gauge("state", status[STATE]);
        gauge("desired_state", status[WANTED] === "u".charCodeAt(0) ? 1 : 0);
        gauge("state_last_change_timestamp_seconds", Number(status.readBigUInt64BE(0) - TAI_OFFSET));
        gauge("normal_state", Number(normallyUp));
      } catch (error) {
        log.debug("Couldn't get status", { service, err: error });
      }
    }
    return out.families;
  },
};
