/** Renames Lit's Trusted Types policy, so that two pages' Lits do not fight for one name. */

import type { Plugin } from "vite";

const NAME = 'createPolicy("lit-html"';

export function policy(): Plugin {
  let renamed = false;
  return {
    name: "parley-policy",
    transform(code, id) {
      if (!id.includes("lit-html") || !code.includes(NAME)) return null;
      renamed = true;
      return { code: code.replace(NAME, 'createPolicy("parley"'), map: null };
    },
    generateBundle() {
      if (!renamed) this.error("lit-html makes its policy otherwise than this build knows.");
    },
  };
}
