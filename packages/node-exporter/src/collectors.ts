/** All collectors, one file each. */
import type { Collector } from "./collector.ts";
import { cpu } from "./collectors/cpu.ts";
import { diskstats } from "./collectors/diskstats.ts";
import { filefd } from "./collectors/filefd.ts";
import { filesystem } from "./collectors/filesystem.ts";
import { loadavg } from "./collectors/loadavg.ts";
import { meminfo } from "./collectors/meminfo.ts";
import { netdev } from "./collectors/netdev.ts";
import { stat } from "./collectors/stat.ts";
import { time } from "./collectors/time.ts";
import { uname } from "./collectors/uname.ts";
import { vmstat } from "./collectors/vmstat.ts";

export const COLLECTORS: readonly Collector[] = [
  cpu,
  diskstats,
  filefd,
  filesystem,
  loadavg,
  meminfo,
  netdev,
  stat,
  time,
  uname,
  vmstat,
];
