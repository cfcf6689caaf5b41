/** The pages: `vite build` writes them to where the server looks for them. */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { policy } from "./build/policy.js";

const slim = (name: string) => fileURLToPath(new URL(`build/slim/${name}.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: { entities: slim("entities"), "linkify-it": slim("linkify"), "punycode.js": slim("punycode") },
  },
  plugins: [policy()],
  build: {
    outDir: "../server/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["index.html", "console.html"] },
  },
});
