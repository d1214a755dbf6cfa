/** Accessibility of every page, dark and light, wide and narrow: `node ui/dev/axe.ts BASE`. Exits 1 on a violation. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const PAGES = [
  "/",
  "/targets",
  "/rules",
  "/alerts",
  "/silences?new=%20",
  "/explore?g0.expr=up&g0.tab=0",
  "/explore?g0.expr=up&g0.tab=1",
  "/dashboards",
  "/d/pharos-node/node",
  "/d/pharos-prometheus/prometheus",
];
interface AxeResult {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
}

const [base = "http://127.0.0.1:3000", ...pages] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.PHAROS_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
let found = 0;
for (const [theme, width] of [
  ["dark", 1600],
  ["light", 1600],
  ["dark", 390],
] as const) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme });
  for (const path of pages.length > 0 ? pages : PAGES) {
    await page.goto(base + path);
    await page.waitForTimeout(1200);
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    await page.evaluate(axe);
    const { violations } = (await page.evaluate("axe.run()")) as AxeResult;
    if (Number(overflow) > 0) {
      found++;
      console.log(`${theme} ${width} ${path}: wider than the window by ${overflow} px`);
    }
    for (const { id, impact, nodes } of violations) {
      found++;
      console.log(`${theme} ${width} ${path}: ${id} (${impact}) × ${nodes.length}: ${nodes[0]!.html.slice(0, 160)}`);
      console.log(`  ${nodes[0]!.failureSummary.replaceAll("\n", " ").slice(0, 220)}`);
    }
  }
  await page.close();
}
await browser.close();
console.log(found === 0 ? "no violations" : `${found} findings`);
process.exit(found === 0 ? 0 : 1);
