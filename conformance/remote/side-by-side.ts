/** What both servers show of the same samples on /federate. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./programs.ts";

/** The page of /federate, whose lines are in no promised order within a family. */
export async function federated(program: Program, accept: string): Promise<string[]> {
  await sleep(100);
  const query = new URLSearchParams({ "match[]": '{__name__=~".+"}' });
  const answer = await fetch(`${program.url}/federate?${query}`, { headers: { accept } });
  const type = (answer.headers.get("content-type") ?? "").split(";")[0];
  return [type, ...(await answer.text()).split("\n")].sort();
}
