import { setTimeout as pause } from 'node:timers/promises';
import { type Random, randomBelow, seededRandom } from '../../src/random.ts';
import type { Befall, Power, PowerName } from './power.ts';
import type { Site } from './site.ts';

interface TroubleOptions {
  readonly sites: readonly Site[];
  readonly powers: readonly Power[];
  readonly seed: number;
  readonly say: (text: string) => void;
  /** Told of a power that could not do or undo its work. */
  readonly fault: (text: string) => void;
}

/** The longest that nothing new befalls anybody. */
const QUIET_MAX_MS = 3000;
const QUIET_MIN_MS = 200;

/**
 * Lets one thing after the other befall the sites, each beside those that last.
 *
 * Guarantees: one seed draws the same powers, sites and times again; what of them is left out because another one has
 * the same thing in hand follows from how fast the machine is. Everything is undone at the end.
 */
export class Trouble {
  readonly #options: TroubleOptions;
  readonly #random: Random;
  readonly #startMs = Date.now();
  readonly #running = new Set<Promise<void>>();
  readonly #inHand = new Set<string>();
  readonly #befell: Partial<Record<PowerName, number>> = {};

  constructor(options: TroubleOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed + 1000);
  }

  /** Returns how often each power was at work. */
  async until(endMs: number): Promise<Readonly<Partial<Record<PowerName, number>>>> {
    while (Date.now() < endMs) {
      await pause(QUIET_MIN_MS + randomBelow(this.#random, QUIET_MAX_MS));
      this.#befall();
    }
    await Promise.all(this.#running);
    return this.#befell;
  }

  #befall(): void {
    const { sites } = this.#options;
    const site = sites[randomBelow(this.#random, sites.length)];
    const power = this.#choose();
    if (site === undefined || power === undefined) return;
    const befall = power.draw(site, this.#random);
    const key = power.takes === 'network' ? power.takes : `${site.name} ${power.takes}`;
    if (befall === undefined || this.#inHand.has(key)) return;
    this.#befell[power.name] = (this.#befell[power.name] ?? 0) + 1;
    this.#inHand.add(key);
    const seconds = ((Date.now() - this.#startMs) / 1000).toFixed(1);
    this.#options.say(`+${seconds} s ${power.takes === 'network' ? 'all' : site.name}: ${befall.what}`);
    this.#run(befall, key);
  }

  #run(befall: Befall, key: string): void {
    const running = befall
      .run()
      .catch((error: unknown) => this.#options.fault(`${key}: ${befall.what}: ${String(error)}`))
      .finally(() => {
        this.#inHand.delete(key);
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  #choose(): Power | undefined {
    const { powers } = this.#options;
    let luck = this.#random.next() * powers.reduce((sum, { weight }) => sum + weight, 0);
    for (const power of powers) {
      luck -= power.weight;
      if (luck < 0) return power;
    }
    return powers[0];
  }
}
