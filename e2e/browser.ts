/** A real browser: the system's Chromium, else the one an npm package carries. Nothing to install by hand. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { root } from "./world.ts";

export const results = join(root, "e2e", "results");

const SYSTEM = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** The browser must not talk to anybody but the pages under test. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-default-apps",
  "--font-render-hinting=none",
];

export async function launchBrowser(): Promise<Browser> {
  mkdirSync(results, { recursive: true });
  const system = process.env.PHAROS_CHROMIUM ?? SYSTEM.find((path) => existsSync(path));
  if (system) return chromium.launch({ executablePath: system, args: QUIET });
  const { default: carried } = await import("@sparticuz/chromium");
  return chromium.launch({ executablePath: await carried.executablePath(), args: [...carried.args, ...QUIET] });
}
