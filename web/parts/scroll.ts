/** Who owns the scroll position of the log: it follows the newest text until somebody scrolls up.
 *
 * Each of our own moves records where it ends; any other move is the reader's.
 */

const UNPIN = 3;
const PIN = 60;
const FAR = 200;

export class Scroll {
  /** Whether new text is followed. */
  pinned = true;
  readonly #box: HTMLElement;
  readonly #told: () => void;
  readonly #sizes: ResizeObserver;
  #expected = 0;

  /** Watches `box`, whose content is `inner`; `told` is called when `pinned` or `far` may have changed. */
  constructor(box: HTMLElement, inner: HTMLElement, told: () => void) {
    this.#box = box;
    this.#told = told;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#sizes = new ResizeObserver(() => this.follow());
    this.#sizes.observe(inner);
    this.#sizes.observe(box);
  }

  /** Whether there is more below than fits a glance. */
  get far(): boolean {
    return !this.pinned && this.#below() > FAR;
  }

  /** Goes to the end if it is followed. */
  follow(): void {
    if (this.pinned) this.#moveTo(this.#box.scrollHeight - this.#box.clientHeight);
  }

  /** Follows from now on. */
  toEnd(): void {
    this.pinned = true;
    this.follow();
    this.#told();
  }

  stop(): void {
    this.#sizes.disconnect();
  }

  #moveTo(top: number): void {
    this.#expected = Math.max(0, top);
    this.#box.scrollTop = this.#expected;
  }

  #below(): number {
    return this.#box.scrollHeight - this.#box.clientHeight - this.#box.scrollTop;
  }

  #scrolled(): void {
    const top = this.#box.scrollTop;
    if (Math.abs(top - this.#expected) <= 1) return;
    const up = this.#expected - top;
    this.#expected = top;
    if (up > UNPIN) this.pinned = false;
    else if (up < 0 && this.#below() < PIN) this.pinned = true;
    this.#told();
  }
}
