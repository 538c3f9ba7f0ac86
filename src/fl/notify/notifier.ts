import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { FederationEvent } from '../round/event.ts';
import { type NewsKind, newsOf } from './news.ts';
import { NewsGate } from './news-gate.ts';

/** What a program or an address is given, as JSON. */
export interface NewsDocument {
  readonly kind: NewsKind;
  /** ISO 8601. */
  readonly time: string;
  /** Null before one is known. */
  readonly run: string | null;
  /** `server`, or the client's name. */
  readonly name: string;
  readonly text: string;
  /** How many others of the kind came since the last that was told. */
  readonly held_back: number;
  /** With the end only: how many of each other kind were never told. */
  readonly untold?: Readonly<Partial<Record<NewsKind, number>>>;
}

/** Gives a document to somebody. Guarantees: ends soon once the signal is aborted. Errors: any, without a secret. */
export type Deliver = (document: NewsDocument, signal: AbortSignal) => Promise<void>;

interface NotifierOptions {
  readonly deliver: Deliver;
  readonly describe: (event: FederationEvent) => string;
  /** `server`, or the client's name. */
  readonly name: string;
  readonly clock: Clock;
  /** Tell the person here that nobody could be told; undefined: it works again. */
  readonly notify: (key: string, text: string | undefined) => void;
}

/** How long the end of a program may wait for what is being told. Units: milliseconds. */
const CLOSE_MAX_MS = 10_000;

/**
 * Tells somebody outside what a person would want to know.
 *
 * Guarantees: `observe` neither throws nor waits; what cannot be told costs nothing but one notice; before `close`
 * resolves, all is told or 10 s have passed.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #gate = new NewsGate();
  readonly #abort = new AbortController();
  readonly #underway = new Set<Promise<void>>();
  #run: string | null = null;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  observe(event: FederationEvent): void {
    if ('run' in event) this.#run = event.run;
    const { describe, clock, name } = this.#options;
    const news = newsOf(event, describe);
    const heldBack = news === undefined ? undefined : this.#gate.pass(news.kind, clock.monotonic());
    if (news === undefined || heldBack === undefined) return;
    this.#deliver({
      kind: news.kind,
      time: new Date(clock.now()).toISOString(),
      run: this.#run,
      name,
      text: news.text,
      held_back: heldBack,
      ...(news.kind === 'ended' ? { untold: this.#gate.takeHeldBack() } : {}),
    });
  }

  async close(): Promise<void> {
    const limit = this.#options.clock.after(CLOSE_MAX_MS, () => this.#abort.abort());
    await Promise.all(this.#underway);
    limit.cancel();
  }

  /** Beside each other: one that hangs must not keep the end from being told. */
  #deliver(document: NewsDocument): void {
    const { deliver, notify } = this.#options;
    const work = deliver(document, this.#abort.signal).then(
      () => notify('notify', undefined),
      (error: unknown) => notify('notify', `nobody could be told outside: ${messageOf(error)}; going on`),
    );
    this.#underway.add(work);
    void work.finally(() => this.#underway.delete(work));
  }
}
