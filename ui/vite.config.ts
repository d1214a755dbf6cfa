import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The editor and the dashboard pages are loaded when they are opened; the first page stays small.
export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
