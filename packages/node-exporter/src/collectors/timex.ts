import { type Collector, FamilySet, NoData } from "../collector.ts";
import { libc } from "../libc.ts";

/**
 * struct timex of 64-bit Linux:
 *
 *     0 modes u32    8 offset i64    16 freq i64      24 maxerror i64  32 esterror i64   40 status i32
 *    48 constant i64 56 precision    64 tolerance     72 time (16)     88 tick i64       96 ppsfreq i64
 *   104 jitter i64  112 shift i32   120 stabil i64   128 jitcnt i64   136 calcnt i64    144 errcnt i64
 *   152 stbcnt i64  160 tai i32     reserved up to 208
 */
const SIZE = 208;
/** Status bit: offset and jitter are in nanoseconds, not microseconds. */
const STA_NANO = 0x2000;
/** What the call answers when the clock is not synchronised. */
const TIME_ERROR = 5;
/** Frequencies are parts per million with 16 bits behind the point. */
const PPM = 1e6 * 65536;

function readTimex(): { state: number; timex: Buffer } {
  const timex = Buffer.alloc(SIZE);
  // modes 0 asks and changes nothing.
  return { state: libc().adjtimex(timex), timex };
}

export const timex: Collector = {
  name: "timex",
  collect() {
    const { state, timex: buffer } = readTimex();
    if (state < 0) throw new NoData("adjtimex is not permitted here");
    const long = (offset: number): number => Number(buffer.readBigInt64LE(offset));
    const status = buffer.readInt32LE(40);
    const fine = (status & STA_NANO) !== 0 ? 1e9 : 1e6;
    const out = new FamilySet();
    const gauge = (name: string, help: string, value: number): void => out.gauge(`node_timex_${name}`, help, value);
    const counter = (name: string, help: string, value: number): void => out.counter(`node_timex_${name}`, help, value);
    gauge("offset_seconds", "Time offset in between local system and reference clock.", long(8) / fine);
    gauge("frequency_adjustment_ratio", "Local clock frequency adjustment.", 1 + long(16) / PPM);
    gauge("maxerror_seconds", "Maximum error in seconds.", long(24) / 1e6);
    gauge("estimated_error_seconds", "Estimated error in seconds.", long(32) / 1e6);
    gauge("status", "Value of the status array bits.", status);
    gauge("loop_time_constant", "Phase-locked loop time constant.", long(48));
    gauge("tick_seconds", "Seconds between clock ticks.", long(88) / 1e6);
    gauge("pps_frequency_hertz", "Pulse per second frequency.", long(96) / PPM);
    gauge("pps_jitter_seconds", "Pulse per second jitter.", long(104) / fine);
    gauge("pps_shift_seconds", "Pulse per second interval duration.", buffer.readInt32LE(112));
    gauge("pps_stability_hertz", "Pulse per second stability, average of recent frequency changes.", long(120) / PPM);
    counter("pps_jitter_total", "Pulse per second count of jitter limit exceeded events.", long(128));
    counter("pps_calibration_total", "Pulse per second count of calibration intervals.", long(136));
    counter("pps_error_total", "Pulse per second count of calibration errors.", long(144));
    counter("pps_stability_exceeded_total", "Pulse per second count of stability limit exceeded events.", long(152));
    gauge("tai_offset_seconds", "International Atomic Time (TAI) offset.", buffer.readInt32LE(160));
    const synchronised = "Is clock synchronized to a reliable server (1 = yes, 0 = no).";
    gauge("sync_status", synchronised, Number(state !== TIME_ERROR));
    return out.families;
  },
};
