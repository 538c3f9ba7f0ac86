import type { Random } from '../../../random.ts';
import { randomName } from '../../../random.ts';
import type { BoxClock } from '../box-clock.ts';

const LINKS_MAX = 100_000;

/** What a download link gives. */
export interface DownloadLink {
  readonly blobId: string;
  readonly size: number;
  readonly name: string;
  readonly userId: number;
  /** The path that gave the link. */
  readonly origin: string;
  readonly expiresAt: number;
}

/** Short-lived addresses of content that need no token. */
export class DownloadLinks {
  readonly #random: Random;
  readonly #clock: BoxClock;
  readonly #links = new Map<string, DownloadLink>();

  constructor(random: Random, clock: BoxClock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Make a link. The oldest ones give way when there are too many. */
  add(link: DownloadLink): string {
    for (const [key, old] of this.#links) {
      if (this.#links.size < LINKS_MAX && old.expiresAt > this.#clock.now()) break;
      this.#links.delete(key);
    }
    const key = randomName(this.#random, 48);
    this.#links.set(key, link);
    return key;
  }

  get(key: string): DownloadLink | undefined {
    const link = this.#links.get(key);
    return link === undefined || link.expiresAt <= this.#clock.now() ? undefined : link;
  }
}
