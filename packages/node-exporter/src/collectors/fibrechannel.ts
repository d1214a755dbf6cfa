import { type Collector, FamilySet, listOrNoData } from "../collector.ts";
import { readDevice } from "../device-file.ts";

/** Files of /sys/class/fc_host/<host> that are labels; numbers of four are told without their 0x. */
const INFO: readonly (readonly [file: string, label: string, hex?: true])[] = [
  ["speed", "speed"],
  ["port_state", "port_state"],
  ["port_type", "port_type"],
  ["port_id", "port_id", true],
  ["port_name", "port_name", true],
  ["fabric_name", "fabric_name", true],
  ["symbolic_name", "symbolic_name"],
  ["supported_classes", "supported_classes"],
  ["supported_speeds", "supported_speeds"],
  ["dev_loss_tmo", "dev_loss_tmo"],
];

/** Files of its folder `statistics`. */
const COUNTERS: readonly (readonly [file: string, name: string, help: string])[] = [
  ["dumped_frames", "dumped_frames_total", "Number of dumped frames"],
  ["error_frames", "error_frames_total", "Number of errors in frames"],
  ["invalid_crc_count", "invalid_crc_total", "Invalid Cyclic Redundancy Check count"],
  ["rx_frames", "rx_frames_total", "Number of frames received"],
  ["rx_words", "rx_words_total", "Number of words received by host port"],
  ["tx_frames", "tx_frames_total", "Number of frames transmitted by host port"],
  ["tx_words", "tx_words_total", "Number of words transmitted by host port"],
  ["seconds_since_last_reset", "seconds_since_last_reset_total", "Number of seconds since last host port reset"],
  ["invalid_tx_word_count", "invalid_tx_words_total", "Number of invalid words transmitted by host port"],
  ["link_failure_count", "link_failure_total", "Number of times the host port link has failed"],
  ["loss_of_sync_count", "loss_of_sync_total", "Number of failures on either bit or transmission word boundaries"],
  ["loss_of_signal_count", "loss_of_signal_total", "Number of times signal has been lost"],
  ["nos_count", "nos_total", "Number Not_Operational Primitive Sequence received by host port"],
  ["fcp_packet_aborts", "fcp_packet_aborts_total", "Number of aborted packets"],
];

/** What firmware that does not count something answers. */
const NOT_COUNTED = 2n ** 64n - 1n;

export const fibrechannel: Collector = {
  name: "fibrechannel",
  async collect({ paths }, signal) {
    const root = `${paths.sysfs}/class/fc_host`;
    const out = new FamilySet();
    for (const host of listOrNoData(root)) {
      const labels = ["fc_host", host];
      let state: string | undefined;
      for (const [file, label, hex] of INFO) {
        const text = await readDevice(`${root}/${host}/${file}`, signal);
        if (file === "port_state") state = text;
        labels.push(label, (hex ? text?.replace(/^..(?=.)/, "") : text) ?? "");
      }
      const help = "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.";
      out.gauge("node_fibrechannel_info", help, 1, labels);
      // A port that is switched off has no statistics: they are 0.
      const off = state === undefined || state === "Unknown";
      for (const [file, name, what] of COUNTERS) {
        const text = off ? "0" : await readDevice(`${root}/${host}/statistics/${file}`, signal);
        if (text === undefined || !/^(\d+|0x[0-9a-f]+)$/i.test(text) || BigInt(text) === NOT_COUNTED) continue;
        out.counter(`node_fibrechannel_${name}`, what, Number(text), ["fc_host", host]);
      }
    }
    return out.families;
  },
};
