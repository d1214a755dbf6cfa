/**
 * The same configuration and the same alerts given to a real Alertmanager and to Pharos: what recording receivers are told must be
 * the same. `PHAROS_STREAMS=500` is the long form of the random part.
 */
import { compareAmtool } from "./alertmanager/amtool.ts";
import { checkApi } from "./alertmanager/api.ts";
import { compareFiles } from "./alertmanager/files.ts";
import { peersFolder } from "./alertmanager/real.ts";
import { compareReceivers } from "./alertmanager/receivers.ts";
import { compareStreams } from "./alertmanager/streams.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const NOT_RUN: SuiteResult = {
  passed: 0,
  total: 0,
  failures: [],
  notRun: "no alertmanager to compare with; set PHAROS_PEERS to its folder",
};
const SHORT_STREAMS = 40;

export const suites: Suite[] = [
  {
    name: "alertmanager-openapi",
    data: "alertmanager/openapi/openapi.yaml",
    run: (file) => checkApi(file),
  },
  {
    name: "alertmanager-files",
    data: "alertmanager",
    run: async () => (peersFolder() ? compareFiles() : NOT_RUN),
  },
  {
    name: "alertmanager-amtool",
    data: "alertmanager",
    run: async () => (peersFolder() ? compareAmtool() : NOT_RUN),
  },
  {
    name: "alertmanager-receivers",
    data: "alertmanager",
    run: async () => (peersFolder() ? compareReceivers() : NOT_RUN),
  },
  {
    name: "alertmanager-streams",
    data: "alertmanager",
    run: async () => (peersFolder() ? compareStreams(Number(process.env.PHAROS_STREAMS ?? SHORT_STREAMS), 1) : NOT_RUN),
  },
];
