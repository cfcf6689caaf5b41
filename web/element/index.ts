/** Defines `<parley-chat>`, once on a page. */

import { ParleyChat } from "./parley-chat.js";

if (!customElements.get("parley-chat")) customElements.define("parley-chat", ParleyChat);
