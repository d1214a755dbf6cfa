/** Prometheus' own tests of its query language and engine. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runPromqltest } from "@pharos/promql";
import type { Suite } from "./suite.ts";

export const suites: Suite[] = [
  {
    name: "promqltest",
    data: "prometheus/promqltest",
    async run(folder) {
      const names = globSync("*.test", { cwd: folder }).sort();
      const files = names.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
      const { passed, total, failures } = await runPromqltest(files);
      return {
        passed,
        total,
        failures: failures.map(({ file, line, query, message }) => `${file}:${line} ${query}: ${message}`),
      };
    },
  },
];
