import type { SimpleMetric } from "@pharos/exposition";
import { type Collector, gauge, ignored } from "../collector.ts";
import { parseGoDuration } from "../go-duration.ts";
import { readMounts, stripRoot } from "../mounts.ts";
import { sizeOf } from "../statfs.ts";

const TIMEOUT_FLAG = "collector.filesystem.mount-timeout";

/** Go's words for what statfs may fail with. */
const ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EHOSTDOWN: "host is down",
  EIO: "input/output error",
  ENOENT: "no such file or directory",
  ENOTCONN: "transport endpoint is not connected",
  EPERM: "operation not permitted",
  ESTALE: "stale NFS file handle",
  ETIMEDOUT: "connection timed out",
};

export const filesystem: Collector = {
  name: "filesystem",
  flags: {
    "collector.filesystem.mount-points-exclude": {
      type: "string",
      default: "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
      pattern: true,
      help: "Regexp of mount points to exclude (mutually exclusive to mount-points-include).",
    },
    "collector.filesystem.mount-points-include": {
      type: "string",
      default: "",
      pattern: true,
      opposite: "collector.filesystem.mount-points-exclude",
      help: "Regexp of mount points to include (mutually exclusive to mount-points-exclude).",
    },
    "collector.filesystem.fs-types-exclude": {
      type: "string",
      default:
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$",
      pattern: true,
      help: "Regexp of filesystem types to exclude (mutually exclusive to fs-types-include).",
    },
    "collector.filesystem.fs-types-include": {
      type: "string",
      default: "",
      pattern: true,
      opposite: "collector.filesystem.fs-types-exclude",
      help: "Regexp of filesystem types to include (mutually exclusive to fs-types-exclude).",
    },
    [TIMEOUT_FLAG]: {
      type: "string",
      default: "5s",
      hidden: true,
      help: "How long to wait for a mount to respond before marking it as stale.",
    },
  },
  async collect({ paths, patterns, flags: values }, signal) {
    const timeout = parseGoDuration(TIMEOUT_FLAG, String(values[TIMEOUT_FLAG]));
    const columns: Record<"size" | "free" | "avail" | "files" | "filesFree" | "purgeable" | "readonly" | "error" | "info", SimpleMetric[]> = {
      size: [], free: [], avail: [], files: [], filesFree: [], purgeable: [], readonly: [], error: [], info: [],
    }; // biome-ignore format: a table
    const seen = new Set<string>();
    await Promise.all(
      (await readMounts(paths.procfs)).map(async (mount) => {
        const { device, type, options, superOptions, major, minor } = mount;
        const mountPoint = stripRoot(mount.mountPoint, paths.rootfs);
        if (
          ignored(
            mountPoint,
            patterns["collector.filesystem.mount-points-include"],
            patterns["collector.filesystem.mount-points-exclude"],
          )
        )
          return;
        if (
          ignored(
            type,
            patterns["collector.filesystem.fs-types-include"],
            patterns["collector.filesystem.fs-types-exclude"],
          )
        )
          return;
        const key = `${device} ${mountPoint} ${type}`;
        if (seen.has(key)) return;
        seen.add(key);
        const labels = (error: string): string[] => [
          "device",
          device,
          "device_error",
          error,
          "fstype",
          type,
          "mountpoint",
          mountPoint,
        ];
        const flags = [...options.split(","), ...superOptions.split(",")];
        const readonly = Number(flags.includes("ro") || flags.includes("emergency_ro"));
        try {
          const { bsize, blocks, bfree, bavail, files, ffree } = await sizeOf(
            paths.rootfs === "/" ? mountPoint : `${paths.rootfs}${mountPoint}`,
            type,
            timeout,
            signal,
          );
          const push = (column: SimpleMetric[], value: number): number => column.push({ labels: labels(""), value });
          push(columns.size, blocks * bsize);
          push(columns.free, bfree * bsize);
          push(columns.avail, bavail * bsize);
          push(columns.files, files);
          push(columns.filesFree, ffree);
          push(columns.purgeable, 0);
          push(columns.readonly, readonly);
          push(columns.error, 0);
          columns.info.push({
            labels: ["device", device, "major", major, "minor", minor, "mountpoint", mountPoint],
            value: 1,
          });
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException;
          const reason = code === undefined ? message : (ERRORS[code] ?? code);
          columns.error.push({ labels: labels(reason), value: 1 });
          columns.readonly.push({ labels: labels(reason), value: readonly });
        }
      }),
    );
    return [
      gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.", columns.avail),
      gauge(
        "node_filesystem_device_error",
        "Whether an error occurred while getting statistics for the given device.",
        columns.error,
      ),
      gauge("node_filesystem_files", "Filesystem total file nodes.", columns.files),
      gauge("node_filesystem_files_free", "Filesystem total free file nodes.", columns.filesFree),
      gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.", columns.free),
      gauge("node_filesystem_mount_info", "Filesystem mount information.", columns.info),
      gauge(
        "node_filesystem_purgeable_bytes",
        "Filesystem space available including purgeable space (MacOS specific).",
        columns.purgeable,
      ),
      gauge("node_filesystem_readonly", "Filesystem read-only status.", columns.readonly),
      gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", columns.size),
    ];
  },
};
