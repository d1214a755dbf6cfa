/** Collectors of hardware and file systems few machines have, over a machine made of files. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeText } from "@pharos/exposition/text";
import { silentLogger } from "@pharos/kit/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collect } from "./collect.ts";
import { nodeExporterOptions } from "./flags.ts";

/** Numbers of rdma's and tapes' many files. */
const numbered = (folder: string, names: string): Record<string, string> =>
  Object.fromEntries(names.split(" ").map((name, i) => [`${folder}/${name}`, `${i + 1}\n`]));

const SET = "sys/fs/bcache/0f-1";
const FS = "sys/fs/bcachefs/ab-1";
const BTRFS = "sys/fs/btrfs/cd-2";
const PCI = "sys/devices/pci0000:00/0000:00:02.1";

const FILES: Record<string, string> = {
  [`${SET}/average_key_size`]: "3\n",
  [`${SET}/btree_cache_size`]: "1.0k\n",
  [`${SET}/internal/btree_read_average_duration_us`]: "1305\n",
  [`${SET}/bdev0/dirty_data`]: "2.0M\n",
  [`${SET}/bdev0/writeback_rate_debug`]:
    "rate:\t\t1.1M/sec\ndirty:\t\t20.4G\ntarget:\t\t20.4G\nproportional:\t-427.5k\nintegral:\t790.0k\nchange:\t\t321.5k/sec\nnext io:\t17ms\n",
  [`${SET}/bdev0/stats_total/cache_hits`]: "546\n",
  [`${SET}/cache0/written`]: "0\n",
  [`${SET}/cache0/priority_stats`]: "Unused:\t\t99%\nMetadata:\t5%\nAverage:\t10473\n",

  [`${FS}/btree_cache_size`]: "1.5M\n",
  [`${FS}/compression_stats`]: "type  compressed  uncompressed  average\nlz4:  1.0k  3.0k  64k\n",
  [`${FS}/errors`]: "btree_node_read_err  5  1234\n",
  [`${FS}/counters/io_read`]: "since mount: 1k\nsince filesystem creation: 2k\n",
  [`${FS}/btree_write_stats`]: "  nr  size\ninitial:  19  108k\n",
  [`${FS}/dev-0/label`]: "hdd\n",
  [`${FS}/dev-0/state`]: "rw\n",
  [`${FS}/dev-0/bucket_size`]: "512k\n",
  [`${FS}/dev-0/nbuckets`]: "7\n",
  [`${FS}/dev-0/durability`]: "1\n",
  [`${FS}/dev-0/io_done`]: "read:\nsb : 3\nwrite:\nuser : 4\n",
  [`${FS}/dev-0/io_errors`]:
    "IO errors since filesystem creation\n  read:    9\nIO errors since 8 y ago\n  read:    1\n",

  [`${BTRFS}/label`]: "data\n",
  [`${BTRFS}/metadata_uuid`]: "cd-2\n",
  [`${BTRFS}/commit_stats`]: "commits 4\nlast_commit_ms 25\nmax_commit_ms 38\ntotal_commit_ms 1247\n",
  [`${BTRFS}/devices/sda/size`]: "8\n",
  [`${BTRFS}/devices/sdb/size`]: "8\n",
  [`${BTRFS}/devices/sdc/size`]: "8\n",
  [`${BTRFS}/allocation/global_rsv_size`]: "99\n",
  [`${BTRFS}/allocation/data/bytes_reserved`]: "0\n",
  [`${BTRFS}/allocation/data/raid5/used_bytes`]: "10\n",
  [`${BTRFS}/allocation/data/raid5/total_bytes`]: "20\n",

  "sys/block/dm-0/dm/uuid": "mpath-360\n",
  "sys/block/dm-0/dm/name": "mpatha\n",
  "sys/block/dm-0/dm/suspended": "0\n",
  "sys/block/dm-0/size": "4\n",
  "sys/block/dm-0/slaves/sdi/x": "",
  "sys/block/dm-0/slaves/sdj/x": "",
  "sys/block/sdi/device/state": "running\n",
  "sys/block/sdj/device/state": "offline\n",
  "sys/block/dm-1/dm/uuid": "LVM-1\n",

  "sys/class/fc_host/host0/port_state": "Online\n",
  "sys/class/fc_host/host0/port_name": "0x1000e0\n",
  "sys/class/fc_host/host0/statistics/rx_frames": "0x3\n",
  "sys/class/fc_host/host0/statistics/tx_frames": "0xffffffffffffffff\n",
  "sys/class/fc_host/host1/port_state": "Unknown\n",

  "sys/class/infiniband/mlx5_0/fw_ver": "16.1\n",
  "sys/class/infiniband/mlx5_0/board_id": "MT_1\n",
  "sys/class/infiniband/mlx5_0/ports/1/state": "4: ACTIVE\n",
  "sys/class/infiniband/mlx5_0/ports/1/phys_state": "5: LinkUp\n",
  "sys/class/infiniband/mlx5_0/ports/1/rate": "100 Gb/sec (4X EDR)\n",
  "sys/class/infiniband/mlx5_0/ports/1/counters/port_rcv_data": "10\n",
  "sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error": "N/A (no PMA)\n",
  "sys/class/infiniband/mlx5_0/ports/1/hw_counters/lifespan": "2500\n",

  ...numbered(
    "sys/class/scsi_tape/st0/stats",
    "in_flight io_ns other_cnt read_byte_cnt read_cnt read_ns resid_cnt write_byte_cnt write_cnt write_ns",
  ),
  "sys/class/scsi_tape/nst0/stats/in_flight": "9\n",

  "proc/drbd":
    "version: 8.4\n 1: cs:Connected ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n    ns:2 nr:3 dw:1 dr:1 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:4\n",
  "proc/self/mountinfo":
    "1 0 0:1 / / rw - rootfs rootfs rw\n2 1 0:42 / /data rw - nfs4 srv:/e rw,addr=192.0.2.7,proto=tcp\n3 1 0:42 / /again rw - nfs4 srv:/e rw,addr=192.0.2.7\n",
  "proc/self/mountstats": `device rootfs mounted on / with fstype rootfs\n${["/data", "/again"]
    .map(
      (place) =>
        `device srv:/e mounted on ${place} with fstype nfs4 statvers=1.1\n\tage:\t5\n\tevents:\t1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27\n\tbytes:\t1 2 3 4 5 6 7 8\n\txprt:\ttcp 832 0 1 0 11 6 7 0 12 0 24 26 57\n\tper-op statistics\n\t        READ: 1 2 3 4 5 18446744073709551615 7000 8\n\n`,
    )
    .join("")}`,

  [`${PCI}/class`]: "0x060400\n",
  [`${PCI}/vendor`]: "0x8086\n",
  [`${PCI}/device`]: "0x1237\n",
  [`${PCI}/subsystem_vendor`]: "0x1af4\n",
  [`${PCI}/subsystem_device`]: "0x1100\n",
  [`${PCI}/revision`]: "0x02\n",
  [`${PCI}/max_link_speed`]: "8.0 GT/s PCIe\n",
  [`${PCI}/max_link_width`]: "4\n",
  [`${PCI}/current_link_speed`]: "Unknown\n",
  [`${PCI}/numa_node`]: "-1\n",
  [`${PCI}/power_state`]: "D3hot\n",

  "sys/class/drm/card0/device/uevent": "DRIVER=amdgpu\nPCI_CLASS=30000\n",
  "sys/class/drm/card0/device/gpu_busy_percent": "42\n",
  "sys/class/drm/card1/device/uevent": "DRIVER=i915\n",

  "sys/class/nvme-subsystem/nvme-subsys0/subsysnqn": "nqn.1\n",
  "sys/class/nvme-subsystem/nvme-subsys0/model": "M\n",
  "sys/class/nvme-subsystem/nvme-subsys0/serial": "S\n",
  "sys/class/nvme-subsystem/nvme-subsys0/iopolicy": "numa\n",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme0/state": "live\n",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme0/transport": "tcp\n",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme1/state": "deleting (no IO)\n",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme1/transport": "tcp\n",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme0n1/size": "1\n",

  "sys/class/hwmon/hwmon0/name": "coretemp\n",
  "sys/class/hwmon/hwmon0/temp1_input": "54000\n",
  "sys/class/hwmon/hwmon0/temp1_label": "Core 0\n",
  "sys/class/hwmon/hwmon0/fan1_input": "1200\n",
  "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
  "sys/class/thermal/thermal_zone0/temp": "49925\n",
  "sys/class/power_supply/BAT0/type": "Battery\n",
  "sys/class/power_supply/BAT0/capacity": "81\n",
  "sys/class/power_supply/BAT0/energy_now": "36580000\n",
  "sys/class/power_supply/BAT0/temp": "250\n",
  "sys/class/nvme/nvme0/model": "Samsung\n",
  "sys/class/nvme/nvme0/state": "live\n",
  "sys/class/nvme/nvme0/nvme0n1/size": "100\n",
  "sys/class/nvme/nvme0/nvme0n1/nuse": "50\n",
  "sys/class/nvme/nvme0/nvme0n1/queue/logical_block_size": "4096\n",
  "sys/class/powercap/intel-rapl:0/name": "package-0\n",
  "sys/class/powercap/intel-rapl:0/energy_uj": "240422366267\n",
  "sys/class/watchdog/watchdog0/timeout": "60\n",
  "sys/class/watchdog/watchdog0/identity": "Software Watchdog\n",
  "sys/devices/system/edac/mc/mc0/ce_count": "1\n",
  "sys/devices/system/edac/mc/mc0/ue_count": "5\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1699981\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors": "performance powersave\n",

  "qdisc/results.json":
    '[{"IfaceName":"eth0","Kind":"fq","Bytes":42,"Packets":7,"Drops":1},{"IfaceName":"x","Parent":1}]',
  "wifi/interfaces.json": '[{"name":"wlan0","frequency":2412},{"type":10}]',
  "wifi/wlan0/bss.json": '{"ssid":"Example","bssid":"ABEiM0RV","status":1}',
  "wifi/wlan0/stationinfo.json": '[{"hardwareaddr":"qrvM3e7/","connected":30000000000,"signal":-52}]',
};

const EXPECTED = `
node_bcache_average_key_size_sectors{uuid="0f-1"} 3
node_bcache_btree_cache_size_bytes{uuid="0f-1"} 1024
node_bcache_btree_read_average_duration_seconds{uuid="0f-1"} 1.305e-06
node_bcache_dirty_data_bytes{backing_device="bdev0",uuid="0f-1"} 2.097152e+06
node_bcache_cache_hits_total{backing_device="bdev0",uuid="0f-1"} 546
node_bcache_writeback_change{backing_device="bdev0",uuid="0f-1"} 329204
node_bcache_priority_stats_unused_percent{cache_device="cache0",uuid="0f-1"} 99
node_bcachefs_btree_cache_size_bytes{uuid="ab-1"} 1.572864e+06
node_bcachefs_compression_uncompressed_bytes{algorithm="lz4",uuid="ab-1"} 3072
node_bcachefs_errors_total{error_type="btree_node_read_err",uuid="ab-1"} 5
node_bcachefs_io_read_total{uuid="ab-1"} 2048
node_bcachefs_btree_writes_total{type="initial",uuid="ab-1"} 19
node_bcachefs_device_info{device="0",label="hdd",state="rw",uuid="ab-1"} 1
node_bcachefs_device_io_done_bytes_total{data_type="user",device="0",operation="write",uuid="ab-1"} 4
node_bcachefs_device_io_errors_total{device="0",type="read",uuid="ab-1"} 9
node_btrfs_info{label="data",uuid="cd-2"} 1
node_btrfs_commit_seconds_total{uuid="cd-2"} 1.247
node_btrfs_allocation_ratio{block_group_type="data",mode="raid5",uuid="cd-2"} 1.5
node_btrfs_device_size_bytes{device="sda",uuid="cd-2"} 4096
node_dmmultipath_device_paths_active{device="mpatha",sysfs_name="dm-0"} 1
node_dmmultipath_device_paths_failed{device="mpatha",sysfs_name="dm-0"} 1
node_dmmultipath_device_size_bytes{device="mpatha",sysfs_name="dm-0"} 2048
node_dmmultipath_path_state{device="mpatha",path="sdj",state="offline"} 1
node_fibrechannel_rx_frames_total{fc_host="host0"} 3
node_fibrechannel_rx_frames_total{fc_host="host1"} 0
node_infiniband_info{board_id="MT_1",device="mlx5_0",firmware_version="16.1",hca_type=""} 1
node_infiniband_rate_bytes_per_second{device="mlx5_0",port="1"} 1.25e+10
node_infiniband_port_data_received_bytes_total{device="mlx5_0",port="1"} 40
node_infiniband_lifespan_seconds{device="mlx5_0",port="1"} 2
node_tape_io_now{device="st0"} 1
node_tape_io_time_seconds_total{device="st0"} 2e-09
node_tape_written_bytes_total{device="st0"} 8
node_drbd_node_role_is_primary{device="drbd1",node="local"} 1
node_drbd_disk_state_is_up_to_date{device="drbd1",node="remote"} 0
node_drbd_out_of_sync_bytes{device="drbd1"} 4096
node_mountstats_nfs_age_seconds_total{export="srv:/e",mountaddr="192.0.2.7",protocol="tcp"} 5
node_mountstats_nfs_mountpoint_info{export="srv:/e",mountaddr="192.0.2.7",mountpoint="/again",protocol="tcp"} 1
node_mountstats_nfs_operations_response_time_seconds_total{export="srv:/e",mountaddr="192.0.2.7",operation="READ",protocol="tcp"} 7
node_mountstats_nfs_operations_queue_time_seconds_total{export="srv:/e",mountaddr="192.0.2.7",operation="READ",protocol="tcp"} 9.00719925474099e+12
node_mountstats_nfs_event_pnfs_write_total{export="srv:/e",mountaddr="192.0.2.7",protocol="tcp"} 27
node_pcidevice_info{bus="00",class_id="0x060400",device="02",device_id="0x1237",function="1",parent_bus="*",parent_device="*",parent_function="*",parent_segment="*",revision="0x02",segment="0000",subsystem_device_id="0x1100",subsystem_vendor_id="0x1af4",vendor_id="0x8086"} 1
node_pcidevice_max_link_transfers_per_second{bus="00",device="02",function="1",segment="0000"} 8e+09
node_pcidevice_current_link_transfers_per_second{bus="00",device="02",function="1",segment="0000"} -1
node_pcidevice_power_state{bus="00",device="02",function="1",segment="0000",state="D3hot"} 1
node_drm_gpu_busy_percent{card="card0"} 42
node_nvmesubsystem_paths{subsystem="nvme-subsys0"} 2
node_nvmesubsystem_paths_live{subsystem="nvme-subsys0"} 1
node_nvmesubsystem_path_state{controller="nvme1",state="deleting",subsystem="nvme-subsys0",transport="tcp"} 1
node_nvmesubsystem_namespace_info{device="nvme0n1",subsystem="nvme-subsys0"} 1
node_hwmon_temp_celsius{chip="coretemp",sensor="temp1"} 54
node_hwmon_fan_rpm{chip="coretemp",sensor="fan1"} 1200
node_thermal_zone_temp{type="cpu-thermal",zone="0"} 49.925
node_power_supply_capacity{power_supply="BAT0"} 81
node_power_supply_energy_watthour{power_supply="BAT0"} 36.58
node_power_supply_temp_celsius{power_supply="BAT0"} 25
node_nvme_namespace_used_bytes{device="nvme0",nsid="1"} 204800
node_watchdog_timeout_seconds{name="watchdog0"} 60
node_edac_uncorrectable_errors_total{controller="0"} 5
node_cpu_scaling_frequency_hertz{cpu="0"} 1.699981e+09
node_cpu_scaling_governor{cpu="0",governor="powersave"} 1
node_qdisc_bytes_total{device="eth0",kind="fq"} 42
node_wifi_interface_frequency_hertz{device="wlan0"} 2.412e+09
node_wifi_station_info{bssid="00:11:22:33:44:55",device="wlan0",mode="client",ssid="Example"} 1
node_wifi_station_connected_seconds_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 30
node_wifi_station_signal_dbm{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} -52
`
  .trim()
  .split("\n");

const NAMES =
  "bcache bcachefs btrfs dmmultipath fibrechannel infiniband tapestats drbd mountstats pcidevice drm nvmesubsystem hwmon thermal_zone powersupplyclass nvme rapl watchdog edac cpufreq qdisc wifi".split(
    " ",
  );

let dir: string;
let lines: string[];

async function scrape(names: readonly string[]): Promise<string[]> {
  const options = await nodeExporterOptions({
    "path.procfs": join(dir, "proc"),
    "path.sysfs": join(dir, "sys"),
    "collector.bcache.priorityStats": true,
    "collector.qdisc.fixtures": join(dir, "qdisc"),
    "collector.wifi.fixtures": join(dir, "wifi"),
  });
  return writeText(await collect(options, new Set(names), silentLogger)).split("\n");
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-hardware-"));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  mkdirSync(join(dir, "sys/bus/pci/devices"), { recursive: true });
  symlinkSync("../../../devices/pci0000:00/0000:00:02.1", join(dir, "sys/bus/pci/devices/0000:00:02.1"));
  lines = await scrape(NAMES);
});
afterAll(() => rmSync(dir, { recursive: true }));

test.each(NAMES)("%s succeeds", (name) => {
  expect(lines).toContain(`node_scrape_collector_success{collector="${name}"} 1`);
});

test.each(EXPECTED)("%s", (line) => {
  expect(lines).toContain(line);
});

test("what is not counted, not of the kind, or not a number is not told", () => {
  for (const name of ['tx_frames_total{fc_host="host0"', "symbol_error_total", 'device="nst0"', 'card="card1"', "dm-1"])
    expect(lines.filter((line) => line.includes(name))).toEqual([]);
  // Energy is counted up to the second, and read by root alone.
  expect(
    lines.some((line) =>
      /^node_rapl_package_joules_total\{index="0",path=".*intel-rapl:0"\} 240422\.366267$/.test(line),
    ),
  ).toBe(true);
});

test("a machine without any of it: no data, and no error", async () => {
  rmSync(join(dir, "sys"), { recursive: true });
  rmSync(join(dir, "proc"), { recursive: true });
  const empty = await scrape(NAMES.filter((name) => name !== "qdisc" && name !== "wifi"));
  const told = empty.filter((line) => line !== "" && !/^(#|node_scrape_collector_)/.test(line));
  expect(told).toEqual([]);
  for (const name of ["bcache", "btrfs", "edac"])
    expect(empty).toContain(`node_scrape_collector_success{collector="${name}"} 1`);
  for (const name of ["bcachefs", "hwmon", "infiniband", "nvme", "tapestats", "drbd"])
    expect(empty).toContain(`node_scrape_collector_success{collector="${name}"} 0`);
});
