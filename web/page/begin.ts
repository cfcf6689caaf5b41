/** What holds before the first element of the page is made: the theme, the language, the measures of the look. */

import { tokens } from "../look/tokens.js";
import { language, speak } from "../words/index.js";
import { languages, showTheme } from "./settings.js";

showTheme();
speak(languages());
document.documentElement.lang = language();
const sheet = tokens(":root").styleSheet;
if (sheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
