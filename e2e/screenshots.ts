/** Draws the pictures of the documentation: `npm run screenshots` starts everything, applies the sample application and looks. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { launchBrowser } from "./browser.ts";
import { connect } from "./kubectl.ts";
import { eventually, root, World } from "./world.ts";

/** So that graphs have something to show. */
const RUN_MS = Number(process.env.PHAROS_SCREENSHOT_WAIT_MS ?? 60_000);

const app = join(root, "examples/sample-app");
const images = join(root, "docs/img");
mkdirSync(images, { recursive: true });
const sample = spawn(process.execPath, [join(app, "app.mjs")], { stdio: "ignore" });
// The receiver that the sample application names.
const receiver = createServer((request, response) => {
  request.resume();
  response.end();
}).listen(8082, "127.0.0.1");
try {
  await using world = await World.create();
  await world.start();
  const cluster = connect(world.urls.api);
  for (const name of ["namespace", "service", "service-monitor", "prometheus-rule", "receiver", "dashboard"])
    await cluster.apply(join(app, "resources", `${name}.yaml`), name === "receiver");
  await eventually("all targets up", async () => {
    const up = await world.query("count(up == 1)");
    return Number(up[0]?.value[1]) >= 5 ? true : undefined;
  });
  await sleep(RUN_MS);
  await using browser = await launchBrowser();
  const shoot = async (name: string, path: string, colorScheme: "light" | "dark", width: number, height: number) => {
    await using context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    await page.goto(world.urls.ui + path);
    await page.waitForTimeout(3000);
    await page.screenshot({ path: join(images, `${name}.png`) });
  };
  await shoot("flow", "/", "light", 1440, 860);
  await shoot("flow-dark", "/", "dark", 1440, 860);
  await shoot("flow-phone", "/", "light", 390, 844);
  await shoot("dashboard-node", "/d/pharos-node/node?from=now-5m&to=now", "dark", 1440, 860);
  await shoot("history", "/history", "light", 1440, 860);
  await shoot("targets", "/targets", "light", 1440, 860);
} finally {
  sample.kill();
  receiver.close();
}
