/** Where NVIDIA's library lies. */
import { DynamicLibrary } from "node:ffi";

/** By name, as the dynamic linker finds it, then where drivers in containers and on GKE put it. */
const CANDIDATES = [
  "libnvidia-ml.so.1",
  "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
  "/usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
  "/usr/lib64/libnvidia-ml.so.1",
  "/usr/lib/wsl/lib/libnvidia-ml.so.1",
  "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
  "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
  "/run/nvidia/driver/usr/lib64/libnvidia-ml.so.1",
];

/** The first that can be loaded; nothing of it is called. Undefined when there is none. */
export function findNvml(): string | undefined {
  if (process.platform !== "linux") return undefined;
  return CANDIDATES.find((path) => {
    try {
      new DynamicLibrary(path).close();
      return true;
    } catch {
      return false;
    }
  });
}
