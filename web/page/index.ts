/** Begins the chat page. */

import "./begin.js";
// Behind it, because elements speak as soon as they are made.
import "./app.js";
