import { type Collector, type CollectorContext, FamilySet } from "../collector.ts";
import { Dbus, type DbusValue } from "../dbus.ts";

const SYSTEMD = "org.freedesktop.systemd1";
const MANAGER_PATH = "/org/freedesktop/systemd1";
const MANAGER = `${SYSTEMD}.Manager`;
const STATES = ["active", "activating", "deactivating", "inactive", "failed"];
/** From this version on it tells its state, and timers their last trigger. */
const SYSTEM_STATE_VERSION = 212;
/** What it says where a number of tasks is not limited or not known. */
const UNKNOWN = 2n ** 64n - 1n;

interface Unit {
  name: string;
  loadState: string;
  activeState: string;
}

/** An object's path has letters and digits; others become `_` and two hexadecimal digits. */
export function unitPath(name: string): string {
  const escaped = [...Buffer.from(name)]
    .map((byte, i) => {
      const char = String.fromCharCode(byte);
      const plain = /[A-Za-z]/.test(char) || (i > 0 && /\d/.test(char));
      return plain ? char : `_${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
  return `${MANAGER_PATH}/unit/${escaped === "" ? "_" : escaped}`;
}

class Systemd {
  readonly #bus: Dbus;
  readonly #log: CollectorContext["log"];

  constructor(bus: Dbus, log: CollectorContext["log"]) {
    this.#bus = bus;
    this.#log = log;
  }

  manager(property: string): Promise<DbusValue> {
    return this.#bus.property(SYSTEMD, MANAGER_PATH, MANAGER, property);
  }

  async units(): Promise<Unit[]> {
    const call = { destination: SYSTEMD, path: MANAGER_PATH, interface: MANAGER, member: "ListUnits" };
    const [units] = await this.#bus.call(call);
    return (units as DbusValue[][]).map(([name, , loadState, activeState]) => ({
      name: String(name),
      loadState: String(loadState),
      activeState: String(activeState),
    }));
  }

  /** A property of a unit; undefined when it has none, as older versions have not all of them. */
  async unit(name: string, kind: string, property: string): Promise<DbusValue | undefined> {
    try {
      return await this.#bus.property(SYSTEMD, unitPath(name), `${SYSTEMD}.${kind}`, property);
    } catch (error) {
      this.#log.debug(`couldn't get unit ${property}`, { unit: name, err: error });
      return undefined;
    }
  }

  async unitNumber(name: string, kind: string, property: string): Promise<number | undefined> {
    const value = await this.unit(name, kind, property);
    if (value === undefined || value === UNKNOWN) return undefined;
    return Number(value);
  }
}

/** Kinds of units that have a type, such as `oneshot` or `ext4`. */
const TYPED: Readonly<Record<string, string>> = { service: "Service", mount: "Mount" };

async function addUnit(
  out: FamilySet,
  systemd: Systemd,
  { name, activeState }: Unit,
  { flags }: CollectorContext,
): Promise<void> {
  const labels = ["name", name];
  const suffix = name.slice(name.lastIndexOf(".") + 1);
  const number = (kind: string, property: string): Promise<number | undefined> =>
    systemd.unitNumber(name, kind, property);
  const kind = TYPED[suffix];
  const type = kind === undefined ? "" : String((await systemd.unit(name, kind, "Type")) ?? "");
  for (const state of STATES) {
    const run = [...labels, "state", state, "type", type];
    out.gauge("node_systemd_unit_state", "Systemd unit", Number(state === activeState), run);
  }
  const wants = (what: string): boolean => flags[`collector.systemd.enable-${what}-metrics`] === true;
  if (suffix === "service") {
    if (wants("restarts")) {
      const help = "Service unit count of Restart triggers";
      out.counter("node_systemd_service_restart_total", help, await number("Service", "NRestarts"), labels);
    }
    if (wants("task")) {
      const current = "Current number of tasks per Systemd unit";
      out.gauge("node_systemd_unit_tasks_current", current, await number("Service", "TasksCurrent"), labels);
      const max = "Maximum number of tasks per Systemd unit";
      out.gauge("node_systemd_unit_tasks_max", max, await number("Service", "TasksMax"), labels);
    }
  }
  if (wants("start-time")) {
    const micro = activeState === "active" ? await number("Unit", "ActiveEnterTimestamp") : 0;
    const help = "Start time of the unit since unix epoch in seconds.";
    out.gauge("node_systemd_unit_start_time_seconds", help, micro === undefined ? undefined : micro / 1e6, labels);
  }
  if (suffix === "timer") {
    const micro = await number("Timer", "LastTriggerUSec");
    const help = "Seconds since epoch of last trigger.";
    out.gauge("node_systemd_timer_last_trigger_seconds", help, micro === undefined ? undefined : micro / 1e6, labels);
  }
  if (suffix === "socket") {
    const accepted = await number("Socket", "NAccepted");
    const acceptedHelp = "Total number of accepted socket connections";
    out.counter("node_systemd_socket_accepted_connections_total", acceptedHelp, accepted, labels);
    const current = await number("Socket", "NConnections");
    out.gauge("node_systemd_socket_current_connections", "Current number of socket connections", current, labels);
    const refusedHelp = "Total number of refused socket connections";
    const refused = await number("Socket", "NRefused");
    out.gauge("node_systemd_socket_refused_connections_total", refusedHelp, refused, labels);
  }
}

/** Units asked about at the same time: systemd answers one after the other anyway. */
const AT_ONCE = 32;

export const systemd: Collector = {
  name: "systemd",
  async collect(context, signal) {
    const { log, patterns } = context;
    using bus = await Dbus.connect(signal);
    const systemd = new Systemd(bus, log);
    const out = new FamilySet();
    const text = async (property: string): Promise<string | undefined> =>
      systemd.manager(property).then(String, () => undefined);
    const version = (await text("Version")) ?? "";
    const number = Number(/\d{3,}(\.\d+)?/.exec(version)?.[0] ?? 0);
    out.gauge("node_systemd_version", "Detected systemd version", number, ["version", number === 0 ? "" : version]);
    const virtualization = await text("Virtualization");
    const kind = virtualization === undefined ? "unknown" : virtualization || "none";
    const help = "Detected virtualization technology";
    out.gauge("node_systemd_virtualization_info", help, 1, ["virtualization_type", kind]);
    const all = await systemd.units();
    const counts = new Map(STATES.map((state) => [state, 0]));
    for (const { activeState } of all) counts.set(activeState, (counts.get(activeState) ?? 0) + 1);
    for (const [state, count] of counts)
      out.gauge("node_systemd_units", "Summary of systemd unit states", count, ["state", state]);
    const units = all.filter(
      ({ name, loadState }) =>
        loadState === "loaded" &&
        (patterns["collector.systemd.unit-include"]?.matches(name) ?? true) &&
        !(patterns["collector.systemd.unit-exclude"]?.matches(name) ?? false),
    );
    for (let i = 0; i < units.length; i += AT_ONCE)
      await Promise.all(units.slice(i, i + AT_ONCE).map((unit) => addUnit(out, systemd, unit, context)));
    if (number >= SYSTEM_STATE_VERSION) {
      const state = String(await systemd.manager("SystemState"));
      const running = "Whether the system is operational (see 'systemctl is-system-running')";
      out.gauge("node_systemd_system_running", running, Number(state === "running"));
    }
    return out.families;
  },
};
