/** What other sites load: the element, and the client alone. Chunks are found beside the script, wherever that is. */

import { mergeConfig } from "vite";
import site from "./vite.config.js";

const embed = mergeConfig(site, {
  base: "./",
  build: {
    outDir: "../server/dist/embed/v1",
    rolldownOptions: {
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
});

// Merged, lists would be added to each other.
embed.build.rolldownOptions.input = { "parley-chat": "element/index.ts", client: "client/index.ts" };

export default embed;
