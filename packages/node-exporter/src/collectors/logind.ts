import { type Collector, FamilySet } from "../collector.ts";
import { Dbus, type DbusValue } from "../dbus.ts";

const LOGIND = "org.freedesktop.login1";
const PATH = "/org/freedesktop/login1";

/** Known values; what logind learns later is `other`. */
const TYPES = ["other", "unspecified", "tty", "x11", "wayland", "mir", "web"];
const CLASSES = ["other", "user", "greeter", "lock-screen", "background"];

const known = (value: DbusValue, values: readonly string[]): string =>
  values.includes(String(value)) ? String(value) : "other";

export const logind: Collector = {
  name: "logind",
  async collect(_context, signal) {
    using bus = await Dbus.connect(signal);
    const list = async (member: string): Promise<DbusValue[][]> => {
      const call = { destination: LOGIND, path: PATH, interface: `${LOGIND}.Manager`, member };
      return (await bus.call(call))[0] as DbusValue[][];
    };
    // Sessions from afar have no seat.
    const seats = [...(await list("ListSeats")).map(([id]) => String(id)), ""];
    const counts = new Map<string, number>();
    for (const [, , , seat, path] of await list("ListSessions")) {
      const read = (name: string): Promise<DbusValue> => bus.property(LOGIND, String(path), `${LOGIND}.Session`, name);
      try {
        const remote = String((await read("Remote")) === true);
        const key = [seat, remote, known(await read("Type"), TYPES), known(await read("Class"), CLASSES)].join("\0");
        counts.set(key, (counts.get(key) ?? 0) + 1);
      } catch {
        // It ended between the two questions.
      }
    }
    const out = new FamilySet();
    for (const remote of ["true", "false"]) {
      for (const type of TYPES) {
        for (const kind of CLASSES) {
          for (const seat of seats) {
            const count = counts.get([seat, remote, type, kind].join("\0")) ?? 0;
            const labels = ["seat", seat, "remote", remote, "type", type, "class", kind];
            out.gauge("node_logind_sessions", "Number of sessions registered in logind.", count, labels);
          }
        }
      }
    }
    return out.families;
  },
};
