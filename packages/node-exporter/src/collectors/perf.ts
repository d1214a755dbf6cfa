import { UserError } from "@pharos/model/error";
import {
  type Collector,
  type CollectorContext,
  cleanName,
  FamilySet,
  readText,
  readTextIfThere,
} from "../collector.ts";
import { parseCpuList } from "../cpu-list.ts";
import { CACHE, HARDWARE, PerfCounter, type PerfEvent, SOFTWARE, TRACEPOINT } from "../perf-events.ts";

type Row = readonly [profiler: string, config: number, name: string, help: string];

const HARDWARE_EVENTS: readonly Row[] = [
  ["CpuCycles", 0, "cpucycles_total", "Number of CPU cycles (frequency scaled)"],
  ["CpuInstr", 1, "instructions_total", "Number of CPU instructions"],
  ["CacheRef", 2, "cache_refs_total", "Number of cache references (non frequency scaled)"],
  ["CacheMisses", 3, "cache_misses_total", "Number of cache misses"],
  ["BranchInstr", 4, "branch_instructions_total", "Number of CPU branch instructions"],
  ["BranchMisses", 5, "branch_misses_total", "Number of CPU branch misses"],
  ["StalledCyclesFrontend", 7, "stalled_cycles_frontend_total", "Number of stalled frontend CPU cycles"],
  ["StalledCyclesBackend", 8, "stalled_cycles_backend_total", "Number of stalled backend CPU cycles"],
  ["RefCpuCycles", 9, "ref_cpucycles_total", "Number of CPU cycles"],
];

const SOFTWARE_EVENTS: readonly Row[] = [
  ["PageFault", 2, "page_faults_total", "Number of page faults"],
  ["ContextSwitch", 3, "context_switches_total", "Number of context switches"],
  ["CpuMigration", 4, "cpu_migrations_total", "Number of CPU process migrations"],
  ["MinorFault", 5, "minor_faults_total", "Number of minor page faults"],
  ["MajorFault", 6, "major_faults_total", "Number of major page faults"],
];

/** A cache, what is done with it (read, write), and whether it has what is asked for (any access, a miss). */
const cache = (id: number, write: 0 | 1, miss: 0 | 1): number => id | (write << 8) | (miss << 16);
const [L1_DATA, L1_INSTRUCTIONS, LAST_LEVEL, DATA_TLB, INSTRUCTION_TLB, BRANCHES] = [0, 1, 2, 3, 4, 5];

const CACHE_EVENTS: readonly Row[] = [
  ["L1DataReadHit", cache(L1_DATA, 0, 0), "cache_l1d_read_hits_total", "Number L1 data cache read hits"],
  ["L1DataReadMiss", cache(L1_DATA, 0, 1), "cache_l1d_read_misses_total", "Number L1 data cache read misses"],
  ["L1DataWriteHit", cache(L1_DATA, 1, 0), "cache_l1d_write_hits_total", "Number L1 data cache write hits"],
  [
    "L1InstrReadMiss",
    cache(L1_INSTRUCTIONS, 0, 1),
    "cache_l1_instr_read_misses_total",
    "Number instruction L1 instruction read misses",
  ],
  ["LLReadHit", cache(LAST_LEVEL, 0, 0), "cache_ll_read_hits_total", "Number last level read hits"],
  ["LLReadMiss", cache(LAST_LEVEL, 0, 1), "cache_ll_read_misses_total", "Number last level read misses"],
  ["LLWriteHit", cache(LAST_LEVEL, 1, 0), "cache_ll_write_hits_total", "Number last level write hits"],
  ["LLWriteMiss", cache(LAST_LEVEL, 1, 1), "cache_ll_write_misses_total", "Number last level write misses"],
  [
    "InstrTLBReadHit",
    cache(INSTRUCTION_TLB, 0, 0),
    "cache_tlb_instr_read_hits_total",
    "Number instruction TLB read hits",
  ],
  [
    "InstrTLBReadMiss",
    cache(INSTRUCTION_TLB, 0, 1),
    "cache_tlb_instr_read_misses_total",
    "Number instruction TLB read misses",
  ],
  ["BPUReadHit", cache(BRANCHES, 0, 0), "cache_bpu_read_hits_total", "Number BPU read hits"],
  ["BPUReadMiss", cache(BRANCHES, 0, 1), "cache_bpu_read_misses_total", "Number BPU read misses"],
  ["DataTLBReadHit", cache(DATA_TLB, 0, 0), "cache_tlb_data_read_hits_total", "Number of data TLB read hits"],
  ["DataTLBReadMiss", cache(DATA_TLB, 0, 1), "cache_tlb_data_read_misses_total", "Number of data TLB read misses"],
  ["DataTLBWriteHit", cache(DATA_TLB, 1, 0), "cache_tlb_data_write_hits_total", "Number of data TLB write hits"],
  ["DataTLBWriteMiss", cache(DATA_TLB, 1, 1), "cache_tlb_data_write_misses_total", "Number of data TLB write misses"],
];

interface Counter {
  name: string;
  help: string;
  cpu: number;
  counter: PerfCounter;
}

const FLAG = "collector.perf";

function chosen(flags: CollectorContext["flags"], kind: string, rows: readonly Row[]): readonly Row[] {
  if (flags[`${FLAG}.disable-${kind}-profilers`] === true) return [];
  const names = flags[`${FLAG}.${kind}-profilers`] as readonly string[];
  if (names.length === 0) return rows;
  const unknown = names.find((name) => !rows.some(([known]) => known === name));
  if (unknown !== undefined) {
    throw new UserError("node-exporter.flag", `Unknown ${kind} profiler: ${unknown}`, {
      where: { flag: `--${FLAG}.${kind}-profilers` },
      fix: `There are: ${rows.map(([name]) => name).join(", ")}`,
    });
  }
  return rows.filter(([name]) => names.includes(name));
}

/** `sched:sched_kthread_stop` by its number in the kernel. */
function tracepoint(text: string, sysfs: string): { event: PerfEvent; name: string; help: string } {
  const [subsystem, event, more] = text.split(":");
  if (!event || more !== undefined || /[^\w]/.test(subsystem + event)) {
    throw new UserError("node-exporter.flag", `invalid tracepoint config ${text}`, {
      where: { flag: `--${FLAG}.tracepoint` },
      fix: "Write it like sched:sched_kthread_stop",
    });
  }
  const file = `events/${subsystem}/${event}/id`;
  const id = readTextIfThere(sysfs, "kernel/tracing", file) ?? readText(sysfs, "kernel/debug/tracing", file);
  return {
    event: { type: TRACEPOINT, config: BigInt(id.trim()) },
    name: cleanName(`${subsystem}_${event}`),
    help: `Perf tracepoint ${text}`,
  };
}

function openCounters({ flags, paths, log }: CollectorContext): Counter[] {
  const list = String(flags[`${FLAG}.cpus`] ?? "") || readText(paths.sysfs, "devices/system/cpu/online").trim();
  const wanted = [
    ...(
      [
        ["hardware", HARDWARE, HARDWARE_EVENTS],
        ["software", SOFTWARE, SOFTWARE_EVENTS],
        ["cache", CACHE, CACHE_EVENTS],
      ] as const
    ).flatMap(([kind, type, rows]) =>
      chosen(flags, kind, rows).map(([, config, name, help]) => ({
        event: { type, config: BigInt(config) },
        name,
        help,
      })),
    ),
    ...(flags[`${FLAG}.tracepoint`] as readonly string[]).map((text) => tracepoint(text, paths.sysfs)),
  ];
  const counters: Counter[] = [];
  let failure: unknown;
  for (const cpu of parseCpuList(list)) {
    for (const { event, name, help } of wanted) {
      try {
        counters.push({ name, help, cpu, counter: new PerfCounter(event, cpu) });
      } catch (error) {
        // Not every processor has every event, and in a virtual machine there may be none of the hardware's.
        log.debug("perf event cannot be counted", { event: name, cpu, err: error });
        failure = error;
      }
    }
  }
  if (counters.length === 0 && failure !== undefined) throw failure;
  return counters;
}

/** Counters of each exporter in this process: they count from the first scrape on. */
const opened = new WeakMap<CollectorContext["flags"], Counter[]>();

export const perf: Collector = {
  name: "perf",
  collect(context) {
    let counters = opened.get(context.flags);
    if (!counters) opened.set(context.flags, (counters = openCounters(context)));
    const out = new FamilySet();
    for (const { name, help, cpu, counter } of counters)
      out.counter(`node_perf_${name}`, help, counter.read(), ["cpu", String(cpu)]);
    return out.families;
  },
};
