/** Begins the chat page: its language, its look, then its element. */

import { tokens } from "../look/tokens.js";
import { language, speak } from "../words/index.js";
import "./app.js";
import { languages, showTheme } from "./settings.js";

showTheme();
speak(languages());
document.documentElement.lang = language();
const sheet = tokens(":root").styleSheet;
if (sheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
