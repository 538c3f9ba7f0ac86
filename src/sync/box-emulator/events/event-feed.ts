import type { Timer } from '../../../clock.ts';
import type { Random } from '../../../random.ts';
import type { BoxClock } from '../box-clock.ts';
import type { Settings } from '../settings.ts';
import type { CollaborationRow, GroupRow, ItemRow, UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** What an event is about, as it was when it happened. */
export type EventSource =
  | { readonly kind: 'item'; readonly row: ItemRow }
  | { readonly kind: 'collaboration'; readonly row: CollaborationRow }
  | { readonly kind: 'user'; readonly row: UserRow }
  | { readonly kind: 'group'; readonly row: GroupRow };

/** Something that happened, and who hears of it. */
export interface Happening {
  readonly type: string;
  readonly by: number;
  readonly source: EventSource;
  readonly recipients: Iterable<number>;
}

/** What a fault does to one event on its way into the streams. */
export type EventTampering =
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'lose' }
  | { readonly kind: 'reorder'; readonly windowMs: number }
  | { readonly kind: 'late'; readonly delayMs: number };

/** Asked for each event on its way to each user; undefined leaves it alone. */
export type EventTamperer = (type: string, userId: number) => EventTampering | undefined;

interface FeedOptions {
  readonly store: Store;
  readonly clock: BoxClock;
  readonly settings: Settings;
  readonly random: Random;
  readonly tamper: EventTamperer;
}

/**
 * Carries events into each user's stream.
 *
 * Guarantees: an event gets its position when it appears, so a late one is never hidden behind a position already
 * given out; listeners hear of it after the transaction that caused it.
 */
export class EventFeed {
  readonly #options: FeedOptions;
  readonly #listeners = new Map<number, Set<() => void>>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** To be called within the transaction of the change itself. */
  record(happening: Happening): void {
    const { store, clock } = this.#options;
    const now = clock.now();
    const event = store.events.insert({
      event_id: this.#eventId(),
      event_type: happening.type,
      created_at: now,
      created_by: happening.by,
      source: JSON.stringify(happening.source),
    });
    let postponed = false;
    for (const userId of new Set(happening.recipients))
      postponed = this.#route(event, happening.type, userId, now) || postponed;
    if (postponed) this.#schedule();
  }

  /** Put an event into one user's stream, now or later. Returns true when it was postponed. */
  #route(event: number, type: string, userId: number, now: number): boolean {
    const { store, settings, random, tamper } = this.#options;
    const tampering = tamper(type, userId);
    if (tampering?.kind === 'lose') return false;
    const waitMs = settings.values.eventDelayMs + extraDelayMs(tampering);
    const times = tampering?.kind === 'duplicate' ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      if (waitMs === 0) store.events.deliver(userId, event, now);
      else {
        const shuffle = tampering?.kind === 'reorder' ? random.next() : 0.5;
        store.events.postpone({ userId, event, dueAt: dueAt(now, waitMs, tampering), shuffle });
      }
    }
    if (waitMs === 0) this.#wakeSoon(userId);
    return waitMs > 0;
  }

  /** Call `listener` whenever the user's stream may have grown. Returns how to stop. */
  listen(userId: number, listener: () => void): () => void {
    const here = this.#listeners.get(userId) ?? new Set();
    this.#listeners.set(userId, here);
    here.add(listener);
    return () => {
      here.delete(listener);
      if (here.size === 0) this.#listeners.delete(userId);
    };
  }

  /** Put postponed events whose time has come into the streams. */
  publishDue(): void {
    if (this.#closed) return;
    const { store, clock } = this.#options;
    if ((store.events.nextDue() ?? Number.POSITIVE_INFINITY) <= clock.now())
      for (const userId of store.transaction(() => store.events.publishDue(clock.now())))
        this.#wakeSoon(userId);
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #schedule(): void {
    const { store, clock } = this.#options;
    const due = store.events.nextDue();
    this.#timer?.cancel();
    this.#timer = due === undefined ? undefined : clock.after(due - clock.now(), () => this.publishDue());
  }

  #wakeSoon(userId: number): void {
    if (!this.#listeners.has(userId)) return;
    // The change is not committed yet; listeners look at the stream afterwards.
    setImmediate(() => {
      for (const listener of [...(this.#listeners.get(userId) ?? [])]) listener();
    });
  }

  #eventId(): string {
    let id = '';
    while (id.length < 40)
      id += Math.floor(this.#options.random.next() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return id;
  }
}

function extraDelayMs(tampering: EventTampering | undefined): number {
  if (tampering?.kind === 'reorder') return tampering.windowMs;
  return tampering?.kind === 'late' ? tampering.delayMs : 0;
}

/** Events that are to be shuffled with each other come due together, at the end of a common window. */
function dueAt(now: number, waitMs: number, tampering: EventTampering | undefined): number {
  return tampering?.kind === 'reorder' ? Math.ceil((now + 1) / waitMs) * waitMs : now + waitMs;
}
