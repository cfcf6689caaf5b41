/** Unit tests: what decides without a browser. What people see is tested in Chromium, under `tests/web`. */

import { mergeConfig } from "vite";
import { defineConfig } from "vitest/config";
import site from "./vite.config.js";

export default mergeConfig(
  site,
  defineConfig({
    test: {
      environment: "happy-dom",
      isolate: false,
      include: ["test/**/*.test.ts"],
      // Through the same stand-ins as in the build.
      server: { deps: { inline: ["markdown-it"] } },
    },
  }),
);
