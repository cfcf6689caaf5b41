/** The addresses of the page: `/` for a new conversation, `/c/<id>` for a stored one. */

/** Returns the conversation that an address names, null for a new one. */
export function conversationAt(path: string): string | null {
  const [, id] = /^\/c\/([\w-]+)$/.exec(path) ?? [];
  return id ?? null;
}

/** Returns the address of a conversation. */
export function addressOf(conversation: string | null): string {
  return conversation === null ? "/" : `/c/${conversation}`;
}
