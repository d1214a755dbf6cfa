import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** What the first page may load, in bytes of compressed JavaScript. */
const BUDGET = 150 * 1024;

/** Fails the build when the first page grows beyond its budget; what is loaded later does not count. */
function budget(): Plugin {
  return {
    name: "budget",
    generateBundle(_options, bundle) {
      const seen = new Set<string>();
      const add = (name: string): void => {
        const chunk = bundle[name];
        if (seen.has(name) || chunk?.type !== "chunk") return;
        seen.add(name);
        chunk.imports.forEach(add);
      };
      for (const chunk of Object.values(bundle)) if (chunk.type === "chunk" && chunk.isEntry) add(chunk.fileName);
      let size = 0;
      for (const name of seen) {
        const chunk = bundle[name];
        if (chunk?.type === "chunk") size += gzipSync(chunk.code).length;
      }
      if (size > BUDGET) this.error(`the first page loads ${size} bytes of JavaScript, more than ${BUDGET}`);
      else this.info(`the first page loads ${Math.round(size / 1024)} KiB of JavaScript`);
    },
  };
}

// The editor and the dashboard pages are loaded when they are opened; the first page stays small.
export default defineConfig({
  plugins: [react(), budget()],
  build: { outDir: "dist", target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
