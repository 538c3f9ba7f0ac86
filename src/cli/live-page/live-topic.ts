import type { Clock, Timer } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { html } from '../../fl/report/html.ts';
import type { PageParts } from '../../fl/report/live-page.ts';
import type { Watcher } from '../watch-loop.ts';
import { eventId, eventText, HEARTBEAT, positionIn, STREAM_HEAD } from './event-text.ts';
import { VersionedParts } from './versioned-parts.ts';

/** Where a reader's events go: an answer that stays open. */
export interface Channel {
  /** False when the reader takes it more slowly than it comes. */
  write(text: string): boolean;
  end(): void;
  on(event: 'drain' | 'close', listener: () => void): unknown;
}

/** What a topic shows: rendered only for somebody who reads it. */
export type Rendering = () => PageParts;

export interface TopicOptions {
  readonly clock: Clock;
  /** Names this topic's life in ids of events; another life has another name. */
  readonly life: string;
  /** Watches until the signal is aborted. */
  readonly watch: (watcher: Watcher<Rendering>) => Promise<void>;
  /** Called once when nobody has read for a while; the topic has ended then. */
  readonly onIdle: () => void;
}

/** A page as it is now. */
export interface PresentPage extends PageParts {
  /** Units: milliseconds since 1970. */
  readonly lookedAtMs: number;
}

interface Reader {
  readonly channel: Channel;
  /** It has everything up to this version. */
  version: number;
  isSlow: boolean;
}

function withTrouble(page: PageParts, trouble: string | null): PageParts {
  const body = trouble === null ? html`` : html`<p class="error">It cannot be looked at now: ${trouble}</p>`;
  return { ...page, parts: [{ id: 'part-trouble', body }, ...page.parts] };
}

/** Units: milliseconds. */
const HEARTBEAT_MS = 15_000;
const LOOKED_MS = 5_000;
const IDLE_MS = 30_000;

/**
 * One page that is watched while somebody reads it.
 *
 * Guarantees: a slow reader gets the newest parts once it can take them, never a queue; without readers nothing is
 * rendered, and after a while nothing is watched.
 */
export class LiveTopic {
  readonly #options: TopicOptions;
  readonly #stop = new AbortController();
  readonly #readers = new Set<Reader>();
  readonly #parts = new VersionedParts();
  readonly #begun: Promise<void>;
  #rendering: Rendering | null = null;
  #rendered: PageParts | null = null;
  #trouble: string | null = null;
  #lookedAtMs = 0;
  #saidLookedMs = 0;
  #heartbeat: Timer | undefined;
  #idle: Timer | undefined;

  constructor(options: TopicOptions) {
    this.#options = options;
    const { clock } = options;
    this.#begun = new Promise((resolve) => {
      const ended = options.watch({
        clock,
        signal: this.#stop.signal,
        onLook: (rendering) => {
          this.#looked(rendering, null);
          resolve();
        },
        onSame: () => this.#same(),
        onTrouble: (error) => {
          this.#looked(this.#rendering, messageOf(error));
          resolve();
        },
      });
      // Whatever ends a watch early is told where the page is; who waits for its first look must not wait on.
      ended.catch((error: unknown) => this.#looked(this.#rendering, messageOf(error))).finally(resolve);
    });
    this.#beat();
    this.#armIdle();
  }

  /** The page as it is now; null, with the reason, where nothing could be looked at yet. */
  async page(): Promise<PresentPage | { readonly trouble: string }> {
    this.#armIdle();
    await this.#begun;
    const parts = this.#present();
    if (parts === null) return { trouble: this.#trouble ?? 'nothing was looked at yet' };
    return { ...parts, lookedAtMs: this.#lookedAtMs };
  }

  /** Send a reader everything that it lacks, now and from now on. */
  async join(channel: Channel, lastEventId: string | undefined): Promise<void> {
    const reader = { channel, version: positionIn(this.#options.life, lastEventId), isSlow: false };
    this.#readers.add(reader);
    this.#idle?.cancel();
    channel.on('drain', () => {
      reader.isSlow = false;
      this.#send(reader);
    });
    channel.on('close', () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#armIdle();
    });
    channel.write(STREAM_HEAD);
    await this.#begun;
    this.#present();
    this.#send(reader);
  }

  /** Let every reader go; idempotent. */
  close(): void {
    this.#stop.abort();
    this.#heartbeat?.cancel();
    this.#idle?.cancel();
    for (const { channel } of this.#readers) channel.end();
    this.#readers.clear();
  }

  #looked(rendering: Rendering | null, trouble: string | null): void {
    this.#rendering = rendering;
    this.#rendered = null;
    this.#trouble = trouble;
    this.#lookedAtMs = this.#options.clock.now();
    if (this.#readers.size === 0) return;
    this.#present();
    for (const reader of this.#readers) this.#send(reader);
  }

  #same(): void {
    const { clock } = this.#options;
    this.#lookedAtMs = clock.now();
    if (clock.monotonic() - this.#saidLookedMs < LOOKED_MS) return;
    this.#saidLookedMs = clock.monotonic();
    for (const reader of this.#readers) this.#send(reader);
  }

  /** The parts as they are now, rendered where they are not yet. */
  #present(): PageParts | null {
    if (this.#rendered !== null || this.#rendering === null) return this.#rendered;
    try {
      this.#rendered = withTrouble(this.#rendering(), this.#trouble);
      this.#parts.take(this.#rendered);
    } catch (error) {
      // What cannot be drawn is told where the page would be; the next look may be drawn again.
      this.#rendering = null;
      this.#trouble = `the page cannot be drawn: ${messageOf(error)}`;
    }
    return this.#rendered;
  }

  #send(reader: Reader): void {
    if (reader.isSlow) return;
    const { life } = this.#options;
    const lookedAt = this.#lookedAtMs;
    const parts = this.#parts.since(reader.version);
    reader.version = this.#parts.version;
    const event =
      parts.length === 0
        ? { id: null, event: 'looked', data: { lookedAt } }
        : { id: eventId(life, reader.version), event: 'parts', data: { lookedAt, parts } };
    reader.isSlow = !reader.channel.write(eventText(event));
  }

  #beat(): void {
    this.#heartbeat = this.#options.clock.after(HEARTBEAT_MS, () => {
      for (const { channel, isSlow } of this.#readers) if (!isSlow) channel.write(HEARTBEAT);
      this.#beat();
    });
  }

  #armIdle(): void {
    this.#idle?.cancel();
    if (this.#stop.signal.aborted) return;
    this.#idle = this.#options.clock.after(IDLE_MS, () => {
      if (this.#readers.size > 0) return;
      this.close();
      this.#options.onIdle();
    });
  }
}
