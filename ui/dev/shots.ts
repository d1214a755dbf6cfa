/** Pictures of pages: `node ui/dev/shots.ts OUT BASE [--width 1600] [--height 1000] [--theme dark|light] [--full] PATH…` */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: "string", default: "1600" },
    height: { type: "string", default: "1000" },
    theme: { type: "string", default: "dark" },
    full: { type: "boolean", default: false },
  },
});
const [out, base, ...paths] = positionals;
if (!out || !base || paths.length === 0) throw new Error("OUT, BASE and at least one PATH are needed");
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.PHAROS_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const page = await browser.newPage({
  viewport: { width: Number(options.width), height: Number(options.height) },
  colorScheme: options.theme === "light" ? "light" : "dark",
});
page.on("pageerror", (error) => console.error(`page error: ${error}`));
page.on("console", (message) => message.type() === "error" && console.error(`console: ${message.text()}`));
for (const path of paths) {
  await page.goto(base + path);
  await page.waitForTimeout(1800);
  const name =
    path
      .replace(/[^a-z0-9]+/gi, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 40) || "flow";
  const file = join(out, `${name}-${options.width}-${options.theme}.png`);
  await page.screenshot({ path: file, fullPage: options.full });
  console.log(file);
}
await browser.close();
