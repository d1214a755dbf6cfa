/**
 * The process that calls the library. It answers each request with a reading or the reason why there is none, and ends
 * when its parent does. Whatever hangs in the driver hangs here.
 */
import { ReadError, type Reading } from "../reading.ts";
import { Machine } from "./machine.ts";

export type Answer = { reading: Reading } | { reason: string; message: string };

let machine: Machine | undefined;

function answer(library: string): Answer {
  try {
    machine ??= new Machine(library);
    return { reading: machine.read() };
  } catch (error) {
    const reason = error instanceof ReadError ? error.reason : "internal";
    return { reason, message: (error as Error).message };
  }
}

process.on("message", (library: string) => process.send?.(answer(library)));
process.on("disconnect", () => process.exit());
