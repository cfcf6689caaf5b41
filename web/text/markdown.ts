/** The parser of markdown as this page reads it: no HTML, bare addresses as links, formulas. */

import MarkdownIt from "markdown-it";
import { math } from "./math.js";

export const markdown = new MarkdownIt({ html: false, linkify: true, breaks: false }).use(math);

// Which addresses may be links is decided in `links.ts`; refused here, they would be shown with their brackets.
markdown.validateLink = () => true;
