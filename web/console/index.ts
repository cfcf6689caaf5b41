/** Begins the operator's console: its look, then its element. */

import { tokens } from "../look/tokens.js";
import "./app.js";

const sheet = tokens(":root").styleSheet;
if (sheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
