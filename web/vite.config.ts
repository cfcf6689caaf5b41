/** The pages: `vite build` writes them to where the server looks for them. */

import { defineConfig } from "vite";
import { policy } from "./build/policy.js";

export default defineConfig({
  plugins: [policy()],
  build: {
    outDir: "../server/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["index.html"] },
  },
});
