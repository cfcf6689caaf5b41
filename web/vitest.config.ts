/** Unit tests: what decides without a browser. What people see is tested in Chromium, under `tests/web`. */

import { defineConfig } from "vitest/config";

export default defineConfig({ test: { environment: "happy-dom", include: ["test/**/*.test.ts"] } });
