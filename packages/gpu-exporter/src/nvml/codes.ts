/** What NVML's functions answer (nvmlReturn_t). */

export const SUCCESS = 0;
export const FUNCTION_NOT_FOUND = 13;
export const GPU_IS_LOST = 15;

const NAMES: Readonly<Record<number, string>> = {
  1: "uninitialized",
  2: "invalid_argument",
  3: "not_supported",
  4: "no_permission",
  6: "not_found",
  7: "insufficient_size",
  8: "insufficient_power",
  9: "driver_not_loaded",
  10: "timeout",
  11: "irq_issue",
  12: "library_not_found",
  [FUNCTION_NOT_FOUND]: "function_not_found",
  14: "corrupted_inforom",
  [GPU_IS_LOST]: "gpu_is_lost",
  16: "reset_required",
  17: "operating_system",
  18: "version_mismatch",
  19: "in_use",
  20: "memory",
  21: "no_data",
  23: "insufficient_resources",
  25: "argument_version_mismatch",
  26: "deprecated",
  27: "not_ready",
  28: "gpu_not_found",
  29: "invalid_state",
};

/** One word for a code. */
export function codeName(code: number): string {
  return NAMES[code] ?? "unknown";
}
