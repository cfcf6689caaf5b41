/** The secret of a browser: fetched when it is needed, held in memory only, renewed before it ends. */

export interface Secret {
  value: string;
  /** Seconds since the epoch, or a date. */
  expires_at?: number | string;
}

/** Returns a secret, or null where a cookie of the page says who asks. */
export type Source = () => Promise<Secret | string | null>;

const EARLY = 60_000;

export class Credential {
  readonly #source: Source;
  #held: Promise<Secret | null> | null = null;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Returns the secret to send, null for none. */
  async value(): Promise<string | null> {
    const held = await this.#holding();
    if (held && expiry(held) - EARLY < Date.now()) {
      this.renew();
      return (await this.#holding())?.value ?? null;
    }
    return held?.value ?? null;
  }

  /** Forgets the secret, so that the next call fetches another. */
  renew(): void {
    this.#held = null;
  }

  #holding(): Promise<Secret | null> {
    this.#held ??= this.#fetch().catch((error: unknown) => {
      this.#held = null;
      throw error;
    });
    return this.#held;
  }

  async #fetch(): Promise<Secret | null> {
    const found = await this.#source();
    return typeof found === "string" ? { value: found } : found;
  }
}

function expiry(secret: Secret): number {
  if (secret.expires_at === undefined) return Number.POSITIVE_INFINITY;
  return typeof secret.expires_at === "number" ? secret.expires_at * 1000 : Date.parse(secret.expires_at);
}
