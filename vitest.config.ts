import { defineConfig } from "vitest/config";

// Unit tests lie beside the code they test; the end-to-end test has its own project because it needs the built UI.
export default defineConfig({
  test: {
    testTimeout: 20_000,
    projects: [
      {
        test: { name: "unit", include: ["packages/*/src/**/*.test.ts", "ui/src/**/*.test.ts", "scripts/**/*.test.ts"] },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
