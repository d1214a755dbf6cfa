/**
 * Modes of links by their bit in the kernel's first 32 (include/uapi/linux/ethtool.h); those of faster links come behind them,
 * where the question that upstream asks does not reach.
 */
export const LINK_MODES: readonly (readonly [bit: number, megabits: number, duplex: string, phy: string])[] = [
  [0, 10, "half", "T"],
  [1, 10, "full", "T"],
  [2, 100, "half", "T"],
  [3, 100, "full", "T"],
  [4, 1000, "half", "T"],
  [5, 1000, "full", "T"],
  [12, 10000, "full", "T"],
  [17, 1000, "full", "KX"],
  [18, 10000, "full", "KX4"],
  [19, 10000, "full", "KR"],
  [20, 10000, "full", "R_FEC"],
  [21, 20000, "full", "MLD2"],
  [22, 20000, "full", "KR2"],
  [23, 40000, "full", "KR4"],
  [24, 40000, "full", "CR4"],
  [25, 40000, "full", "SR4"],
  [26, 40000, "full", "LR4"],
  [27, 56000, "full", "KR4"],
  [28, 56000, "full", "CR4"],
  [29, 56000, "full", "SR4"],
  [30, 56000, "full", "LR4"],
  [31, 25000, "full", "CR"],
];

/** Kinds of ports. */
export const PORTS: readonly (readonly [bit: number, type: string])[] = [
  [7, "TP"],
  [8, "AUI"],
  [9, "MII"],
  [10, "FIBRE"],
  [11, "BNC"],
  [16, "Backplane"],
];

type Named = readonly [name: string, help: string];

/** Metrics of what a device could do, and of what it offers to the other end. */
export const SUPPORTED: Readonly<Record<"speed" | "autonegotiate" | "pause" | "asymmetricPause", Named>> = {
  speed: ["node_network_supported_speed_bytes", "Combination of speeds and features supported by network device"],
  autonegotiate: ["node_network_autonegotiate_supported", "If this port device supports autonegotiate"],
  pause: ["node_network_pause_supported", "If this port device supports pause frames"],
  asymmetricPause: ["node_network_asymmetricpause_supported", "If this port device supports asymmetric pause frames"],
};

export const ADVERTISED: typeof SUPPORTED = {
  speed: ["node_network_advertised_speed_bytes", "Combination of speeds and features offered by network device"],
  autonegotiate: ["node_network_autonegotiate_advertised", "If this port device offers autonegotiate"],
  pause: ["node_network_pause_advertised", "If this port device offers pause capability"],
  asymmetricPause: [
    "node_network_asymmetricpause_advertised",
    "If this port device offers asymmetric pause capability",
  ],
};
