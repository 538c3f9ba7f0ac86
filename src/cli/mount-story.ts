import { durationText } from '../fl/report/quantities.ts';
import type { Paced } from '../sync/box/pacer.ts';
import type { EngineState } from '../sync/engine/status.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';
import { readableBytes } from './paint.ts';
import { isRemarkable, OVER_WORDS, STATE_WORDS } from './state-words.ts';

/** A line of news, or one that the next replaces. */
export interface Told {
  readonly kind: 'news' | 'passing';
  readonly text: string;
}

/** What came up at the last look, so that only what is new is told. */
interface Seen {
  readonly conflicts: number;
  readonly held: number;
  readonly problems: ReadonlySet<string>;
  /** Content that went up and down when work was last told. */
  readonly toldBytes: number;
}

/** So many of one kind are told one by one; the rest is a number. */
const EACH_MAX = 3;
/** A transfer that is smaller than this is over before anybody reads of it. */
const LARGE_BYTES = 8_000_000;
/** So many entries that wait are worth a word. */
const QUEUE_MIN = 20;
/** Where nobody watches, or nothing new happens, work is told this rarely. */
const WORK_EVERY_MS = 5 * 60_000;

const news = (text: string): Told => ({ kind: 'news', text });

/**
 * What a mount says as it goes: outage and recovery, what waits for a person, conflicts, and how far work has come.
 *
 * Guarantees: pure; each thing is told once, when it begins and when it is over; progress replaces itself where somebody
 * watches, and comes every few minutes at most where it would stay.
 */
export class MountStory {
  #state: EngineState | undefined;
  #sinceMs = 0;
  #toldWorkMs: number;
  #isWorking = false;
  #seen: Seen = { conflicts: 0, held: 0, problems: new Set(), toldBytes: 0 };

  constructor(nowMs: number) {
    this.#toldWorkMs = nowMs;
  }

  /** The state changed. `trouble`: the last failure, where one is known. */
  onState(state: EngineState, nowMs: number, trouble: string | null = null): readonly Told[] {
    const before = this.#state;
    if (state === before) return [];
    const lastedMs = nowMs - this.#sinceMs;
    this.#state = state;
    this.#sinceMs = nowMs;
    const over = before === undefined || state === 'stopped' ? undefined : OVER_WORDS[before];
    const told = over === undefined ? [] : [news(`${over}, after ${durationText(lastedMs)}`)];
    const words = STATE_WORDS[state];
    // The end is told by whoever ends it.
    if (state === 'stopped') return told;
    if (!isRemarkable(state)) return [...told, { kind: 'passing', text: words }];
    return [...told, news(state === 'offline' && trouble !== null ? `${words}: ${trouble}` : words)];
  }

  /** Look at the mount. `paced`: a call that a limit held back just now. */
  look(status: MountStatus, nowMs: number, paced?: Paced): readonly Told[] {
    return [
      ...this.#conflicts(status),
      ...this.#held(status),
      ...this.#problems(status),
      ...this.#work(status, nowMs, paced),
    ];
  }

  #conflicts({ conflicts }: MountStatus): readonly Told[] {
    const more = conflicts - this.#seen.conflicts;
    this.#seen = { ...this.#seen, conflicts };
    if (more <= 0) return [];
    const copies = more === 1 ? 'a conflict copy was kept' : `${more} conflict copies were kept`;
    return [news(`${copies}; mila-sync conflicts lists them`)];
  }

  #held({ held, state }: MountStatus): readonly Told[] {
    const count = held?.count ?? 0;
    const before = this.#seen.held;
    if (count === before) return [];
    this.#seen = { ...this.#seen, held: count };
    if (held === null) return [news('no deletions are held any more')];
    const text = `${count} deletions are held (limit ${held.limit})`;
    // What to do is said with that state.
    if (state === 'root-emptied') return [news(text)];
    return [
      news(
        `${text}; to let them through, mount again with --max-delete ${count}; to have them brought back, with --bring-back`,
      ),
    ];
  }

  #problems({ problems }: MountStatus): readonly Told[] {
    const texts = problems.map(({ path, message }) => `${path}: ${message}`);
    const fresh = texts.filter((text) => !this.#seen.problems.has(text));
    this.#seen = { ...this.#seen, problems: new Set(texts) };
    const each = fresh.slice(0, EACH_MAX).map((text) => news(text));
    const rest = fresh.length - each.length;
    return rest === 0
      ? each
      : [...each, news(`${rest} more entries cannot be mirrored; see mila-sync status`)];
  }

  /** How far work has come. */
  #work(status: MountStatus, nowMs: number, paced: Paced | undefined): readonly Told[] {
    const lines = [...transferLines(status), ...queueLines(status, paced)];
    const moved = status.bytes.up + status.bytes.down;
    // Work that has just begun passes first.
    if (lines.length > 0 && !this.#isWorking) this.#toldWorkMs = nowMs;
    this.#isWorking = lines.length > 0;
    const isDue = nowMs - this.#toldWorkMs >= WORK_EVERY_MS;
    if (lines.length > 0) {
      const text = lines.join('; ');
      if (!isDue) return [{ kind: 'passing', text }];
      return this.#toldWork(text, moved, nowMs);
    }
    if (!isDue || moved === this.#seen.toldBytes) return [];
    const text = `${STATE_WORDS[status.state]}; ${readableBytes(moved - this.#seen.toldBytes)} moved in ${durationText(nowMs - this.#toldWorkMs)}, ${status.apiCalls.thisHour} calls to Box this hour`;
    return this.#toldWork(text, moved, nowMs);
  }

  #toldWork(text: string, moved: number, nowMs: number): readonly Told[] {
    this.#toldWorkMs = nowMs;
    this.#seen = { ...this.#seen, toldBytes: moved };
    return [news(text)];
  }
}

/** Long transfers, with what is left of them. */
function transferLines({ transfers, throughput }: MountStatus): readonly string[] {
  const large = transfers.filter(({ sizeBytes }) => sizeBytes >= LARGE_BYTES);
  return large.slice(0, EACH_MAX).map(({ path, direction, sizeBytes, doneBytes }) => {
    const rate = throughput[direction];
    const left = rate < 1 ? '' : `, about ${durationText((1000 * (sizeBytes - doneBytes)) / rate)} left`;
    return `${path} ${direction}: ${Math.floor((100 * doneBytes) / sizeBytes)} % of ${readableBytes(sizeBytes)}${left}`;
  });
}

/** How many entries wait for their turn, and for what. */
function queueLines({ queue }: MountStatus, paced: Paced | undefined): readonly string[] {
  const count = queue.control + queue.bulk;
  if (count < QUEUE_MIN) return [];
  if (paced === undefined) return [`${count} entries wait for their turn`];
  const { calls, perMinute, waitMs } = paced;
  const forMs = Math.max(waitMs, (count / perMinute) * 60_000);
  return [`${perMinute} ${calls} a minute is the limit: ${count} entries wait, about ${durationText(forMs)}`];
}
