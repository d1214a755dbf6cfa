import { type Collector, FamilySet, list, readText, readTrimmed } from "../collector.ts";

/** State and number of threads out of /proc/PID/stat, whose second field may hold anything up to its last bracket. */
function readStat(folder: string): { state: string; threads: number } | undefined {
  const text = readTrimmed(folder, "stat");
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0], threads: Number(fields[17]) };
}

const isNumber = (name: string): boolean => /^\d+$/.test(name);

export const processes: Collector = {
  name: "processes",
  collect({ paths: { procfs } }) {
    const states = new Map<string, number>();
    const threadStates = new Map<string, number>();
    const count = (map: Map<string, number>, state: string): void => {
      map.set(state, (map.get(state) ?? 0) + 1);
    };
    let pids = 0;
    let threads = 0;
    for (const pid of list(procfs).filter(isNumber)) {
      const stat = readStat(`${procfs}/${pid}`);
      // It ended between listing and reading.
      if (!stat) continue;
      pids++;
      threads += stat.threads;
      count(states, stat.state);
      for (const thread of list(procfs, pid, "task").filter(isNumber)) {
        const own = thread === pid ? stat : readStat(`${procfs}/${pid}/task/${thread}`);
        if (own) count(threadStates, own.state);
      }
    }
    const out = new FamilySet();
    const limit = (file: string): number => Number(readText(procfs, "sys/kernel", file));
    out.gauge("node_processes_threads", "Allocated threads in system", threads);
    out.gauge("node_processes_max_threads", "Limit of threads in the system", limit("threads-max"));
    for (const [state, value] of states)
      out.gauge("node_processes_state", "Number of processes in each state.", value, ["state", state]);
    for (const [state, value] of threadStates)
      out.gauge("node_processes_threads_state", "Number of threads in each state.", value, ["thread_state", state]);
    out.gauge("node_processes_pids", "Number of PIDs", pids);
    out.gauge("node_processes_max_processes", "Number of max PIDs limit", limit("pid_max"));
    return out.families;
  },
};
