/** What was written and not sent yet, kept by conversation. */

export interface Drafts {
  read(conversation: string | null): string;
  write(conversation: string | null, text: string): void;
  clear(): void;
}

const PREFIX = "parley-draft-";

/** Drafts that outlive the page; where there is no storage, those of a page. */
export function kept(storage: Storage = localStorage): Drafts {
  const name = (conversation: string | null) => PREFIX + (conversation ?? "new");
  return {
    read: (conversation) => storage.getItem(name(conversation)) ?? "",
    write(conversation, text) {
      if (text) storage.setItem(name(conversation), text);
      else storage.removeItem(name(conversation));
    },
    clear() {
      for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
    },
  };
}

/** Drafts that are forgotten with the page. */
export function passing(): Drafts {
  const held = new Map<string | null, string>();
  return {
    read: (conversation) => held.get(conversation) ?? "",
    write: (conversation, text) => void held.set(conversation, text),
    clear: () => held.clear(),
  };
}
