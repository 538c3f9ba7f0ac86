import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../../atomic-file.ts';
import type { Random } from '../../../random.ts';
import { randomName } from '../../../random.ts';
import { participantKey } from '../../round/run-folder.ts';
import { loadState } from '../state-file.ts';

/** Where somebody is, as the connection itself tells. */
export interface Place {
  readonly address: string;
  /** The SHA-256 fingerprint of its certificate; null on an insecure connection. */
  readonly certificate: string | null;
}

/** Who is at the other end of a call. */
export interface Peer extends Place {
  /** The names that its certificate was made for; none on an insecure connection. */
  readonly names: readonly string[];
}

/** One participant's place on this server. */
export interface Seat extends Place {
  readonly name: string;
  readonly token: string;
  /** The round whose model it was given last; 0 for none. */
  readonly fetched: number;
  /** True once it said that it leaves; its token then opens nothing. */
  readonly closed: boolean;
}

const SEATS = z.object({
  format: z.literal(1),
  seats: z.array(
    z.object({
      name: z.string(),
      token: z.string(),
      address: z.string(),
      certificate: z.string().nullable(),
      fetched: z.number().int().nonnegative(),
      closed: z.boolean(),
    }),
  ),
});

/** Length of a token in letters and digits: about 165 bits. */
const TOKEN_LENGTH = 32;
/** Holds tokens: for this user's eyes only. */
const SEATS_MODE = 0o600;

/** Whether a call comes from where the seat was taken: the same certificate, or else the same address. */
export function isSamePeer(seat: Place, peer: Place): boolean {
  if (seat.certificate !== null || peer.certificate !== null) return seat.certificate === peer.certificate;
  return seat.address === peer.address;
}

/** The tokens of one run. Guarantees: every change is on the disk before it is told to anybody. */
export class Seats {
  readonly #path: string;
  readonly #random: Random;
  readonly #byKey: Map<string, Seat>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, random: Random, seats: readonly Seat[]) {
    this.#path = path;
    this.#random = random;
    this.#byKey = new Map(seats.map((seat) => [participantKey(seat.name), seat]));
  }

  /** Errors: CorruptError 'state-damaged'. */
  static async open(path: string, random: Random): Promise<Seats> {
    const known = await loadState(path, SEATS);
    return new Seats(path, random, known?.seats ?? []);
  }

  all(): readonly Seat[] {
    return [...this.#byKey.values()];
  }

  named(name: string): Seat | undefined {
    return this.#byKey.get(participantKey(name));
  }

  /** Every seat that was ever taken with a certificate. */
  of(certificate: string): readonly Seat[] {
    return this.all().filter((seat) => seat.certificate === certificate);
  }

  holding(token: string): Seat | undefined {
    return this.all().find((seat) => seat.token === token);
  }

  newToken(): string {
    return randomName(this.#random, TOKEN_LENGTH);
  }

  /** Change the seat that a token holds, as it is by now; nothing where the token holds none any more. */
  async change(token: string, change: Partial<Pick<Seat, 'fetched' | 'closed'>>): Promise<void> {
    const seat = this.holding(token);
    if (seat !== undefined) await this.put({ ...seat, ...change });
  }

  /** Store a seat under its name. */
  async put(seat: Seat): Promise<void> {
    this.#byKey.set(participantKey(seat.name), seat);
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const text = `${JSON.stringify({ format: 1, seats: this.all() }, undefined, 1)}\n`;
    await writeFileAtomically(this.#path, text, { mode: SEATS_MODE });
  }
}
