/**
 * Serves the built UI for looking at it: a made-up flow, and a Prometheus and an Alertmanager that already run.
 * `node ui/dev/serve.ts [--port 3000] [--scene calm|trouble|many] [--prometheus URL] [--alertmanager URL] [--folder DIR]`
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDashboardsServer, DashboardStore } from "@pharos/dashboards";
import { createLogger, Registry } from "@pharos/kit";
import { type Scene, sceneFlow } from "./flow.ts";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "3000" },
    scene: { type: "string", default: "trouble" },
    prometheus: { type: "string", default: "http://127.0.0.1:9090" },
    alertmanager: { type: "string", default: "http://127.0.0.1:9093" },
    folder: { type: "string", multiple: true, default: [] },
  },
});
const root = join(import.meta.dirname, "../..");
const log = createLogger({ level: "warn" });
let scene = options.scene as Scene;
const server = await createDashboardsServer({
  host: "127.0.0.1",
  port: Number(options.port),
  uiDir: join(root, "ui/dist"),
  datasources: [
    { uid: "prometheus", name: "Prometheus", type: "prometheus", url: options.prometheus },
    { uid: "alertmanager", name: "Alertmanager", type: "alertmanager", url: options.alertmanager },
  ],
  dashboards: new DashboardStore({
    dir: mkdtempSync(join(tmpdir(), "pharos-ui-dev-")),
    provisioned: [join(root, "packages/mixin/src/dashboards"), ...options.folder],
    log,
  }),
  flow: () => sceneFlow(scene),
  resourcesUrl: "http://127.0.0.1:6443",
  registry: new Registry(),
  log,
});
console.log(`${server.url}: type calm, trouble or many and Enter to change the scene`);
process.stdin.on("data", (chunk) => {
  scene = String(chunk).trim() as Scene;
});
