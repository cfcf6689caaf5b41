/** Stands in for the package `linkify-it` in builds: finds whole `http://` and `https://` addresses, and nothing else. */

interface Found {
  schema: string;
  index: number;
  lastIndex: number;
  raw: string;
  text: string;
  url: string;
}

const ADDRESS = /https?:\/\/[^\s<>"'`|\\^{}]+/g;
const FIRST = new RegExp(`^${ADDRESS.source}`);
const AFTER = /[.,;:!?*_~'"。，；：！？）】」』]+$/;

export class LinkifyIt {
  test(text: string): boolean {
    return text.includes("://");
  }

  match(text: string): Found[] {
    return [...text.matchAll(ADDRESS)].map((one) => found(one[0], one.index));
  }

  matchAtStart(text: string): Found | null {
    const [first] = FIRST.exec(text) ?? [];
    return first ? found(first, 0) : null;
  }
}

function found(address: string, index: number): Found {
  const url = ended(address);
  return { schema: "", index, lastIndex: index + url.length, raw: url, text: url, url };
}

/** Leaves out what belongs to the sentence around an address: its punctuation, and a bracket that was opened before it. */
function ended(address: string): string {
  const cut = address.replace(AFTER, "");
  const opens = cut.split("(").length;
  return cut.endsWith(")") && cut.split(")").length > opens ? ended(cut.slice(0, -1)) : cut;
}
