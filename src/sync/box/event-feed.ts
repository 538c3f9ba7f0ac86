import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { RejectedError, TransientError } from '../../errors.ts';
import { remoteId } from '../../ids.ts';
import type { ChangeHint, ChangePage } from '../remote/remote-store.ts';
import { kindOf, readItem, toEntry } from './entries.ts';
import { type BoxSession, readPlainly } from './session.ts';

/** Box's largest page of events. */
const PAGE_SIZE = 500;
/** A page below this size is likely the last; what may follow is left to the next reading, which spares a call. */
const SHORT_PAGE = 50;
/** More events than this at once: listing everything is cheaper. */
const PAGES_MAX = 40;
/** Box keeps user events two to three weeks; beyond this age nothing is promised. */
const POSITION_AGE_MAX_MS = 14 * 24 * 60 * 60 * 1000;
/** A position from further ahead was dated by a clock that has been set back since: its age is not known. */
const POSITION_AHEAD_MAX_MS = 60 * 60 * 1000;

/** Events after which access may be another than before: an invitation, a membership, a shared link. */
const ACCESS_CHANGED = /^(COLLAB_|GROUP_|ITEM_SHARED)/;
/** Events after which a file has other content; their source shows the file as it stood then. */
const CONTENT_CHANGED = /^(ITEM_UPLOAD|ITEM_MODIFY)$/;
/** The event of a folder that was made; its source shows it. */
const FOLDER_MADE = 'ITEM_CREATE';
/** Events that change no tree and nothing about what may be done in it; a lock that is taken off lets writes through. */
const NO_CHANGE = /^(ITEM_DOWNLOAD|ITEM_PREVIEW|COMMENT_|TASK_|TAG_|ADD_|NOTE_)/;

const id = z.coerce.string();
const sourceSchema = z.looseObject({
  type: z.string().nullish(),
  id: id.nullish(),
  item_type: z.string().nullish(),
  item_id: id.nullish(),
  parent: z.object({ id: id.nullish() }).nullish(),
});
const eventSchema = z.looseObject({
  event_id: z.string().nullish(),
  event_type: z.string().nullish(),
  source: sourceSchema.nullish().catch(null),
});
const pageSchema = z.object({
  entries: z.array(eventSchema),
  next_stream_position: z.union([z.string().regex(/^-?\d+$/), z.number().int().transform(String)]),
});

type BoxEvent = z.infer<typeof eventSchema>;
type EventPage = z.infer<typeof pageSchema>;

/** A stored position: Box's own, and when it was read, since Box forgets by age. */
interface Position {
  readonly stream: string;
  readonly readAtMs: number;
}

const encode = ({ stream, readAtMs }: Position): string => `${stream}@${readAtMs}`;

function decode(position: string): Position | undefined {
  const match = /^(\d+)@(\d+)$/.exec(position);
  return match === null ? undefined : { stream: match[1] ?? '', readAtMs: Number(match[2]) };
}

/** The entry that an event shows whole; nothing when the event is about something else, or shows less. */
function shownBy({ event_type, source }: BoxEvent): Pick<ChangeHint, 'file' | 'folder'> {
  const showsFile = CONTENT_CHANGED.test(event_type ?? '') && source?.type === 'file';
  const showsFolder = event_type === FOLDER_MADE && source?.type === 'folder';
  if (!showsFile && !showsFolder) return {};
  try {
    const entry = toEntry(readItem(source));
    if (entry?.kind === 'file') return { file: entry };
    return entry === undefined || entry.name === '' || entry.etag === '' ? {} : { folder: entry };
  } catch {
    // Less than a whole entry: then the event is a hint like any other.
    return {};
  }
}

function toHint(event: BoxEvent): ChangeHint {
  const { event_type, source } = event;
  const kind = kindOf(source?.type) ?? kindOf(source?.item_type);
  const itemId = source?.item_id ?? source?.id;
  const parentId = source?.parent?.id;
  return {
    itemId: kind !== undefined && itemId ? remoteId(itemId) : null,
    kind: kind ?? null,
    parentId: kind !== undefined && parentId ? remoteId(parentId) : null,
    accessChanged: ACCESS_CHANGED.test(event_type ?? ''),
    ...shownBy(event),
  };
}

/** Turns events into hints, each once. */
class EventCollector {
  readonly hints: ChangeHint[] = [];
  readonly #seen = new Set<string>();

  add(event: BoxEvent): void {
    if (NO_CHANGE.test(event.event_type ?? '')) return;
    if (event.event_id) {
      if (this.#seen.has(event.event_id)) return;
      this.#seen.add(event.event_id);
    }
    this.hints.push(toHint(event));
  }
}

/** Box's own position within a stored one; from the beginning when the stored one is unreadable. */
export function streamPositionOf(position: string): string {
  return decode(position)?.stream ?? '0';
}

function isFresh(ageMs: number): boolean {
  return ageMs <= POSITION_AGE_MAX_MS && ageMs >= -POSITION_AHEAD_MAX_MS;
}

/** One user's events, page by page. */
export class EventFeed {
  readonly #session: BoxSession;
  readonly #clock: Clock;

  constructor(session: BoxSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  async position(signal?: AbortSignal): Promise<string> {
    const readAtMs = this.#clock.now();
    const page = await this.#page('now', signal);
    return encode({ stream: page.next_stream_position, readAtMs });
  }

  /** Guarantees: each event at least once, no event twice in one answer; a gap or a possible rest is told, never skipped silently. */
  async changes(position: string, signal?: AbortSignal): Promise<ChangePage> {
    const from = decode(position);
    const readAtMs = this.#clock.now();
    if (from === undefined || !isFresh(readAtMs - from.readAtMs)) return this.#gap(signal);
    const events = new EventCollector();
    let stream = from.stream;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await this.#pageSince(stream, signal);
      if (page === undefined) return this.#gap(signal);
      for (const event of page.entries) events.add(event);
      // A page may be short although more follows; only an empty or standing one is surely the end.
      const ended = page.entries.length === 0 || page.next_stream_position === stream;
      stream = page.next_stream_position;
      if (ended || page.entries.length < SHORT_PAGE)
        return { hints: events.hints, position: encode({ stream, readAtMs }), gap: false, ended };
    }
    return this.#gap(signal);
  }

  /** A page, or undefined when Box no longer knows the position. */
  async #pageSince(stream: string, signal?: AbortSignal): Promise<EventPage | undefined> {
    try {
      return await this.#page(stream, signal);
    } catch (error) {
      if (error instanceof RejectedError && error.data['status'] === 400) return undefined;
      throw error;
    }
  }

  async #gap(signal?: AbortSignal): Promise<ChangePage> {
    return { hints: [], position: await this.position(signal), gap: true, ended: true };
  }

  async #page(streamPosition: string, signal?: AbortSignal): Promise<EventPage> {
    const query = {
      stream_type: 'changes',
      stream_position: streamPosition,
      limit: String(PAGE_SIZE),
    };
    const json = await readPlainly(this.#session, 'events', query, signal);
    const result = pageSchema.safeParse(json);
    if (result.success) return result.data;
    throw new TransientError({ code: 'answer-malformed', message: 'Box sent events in an unexpected form' });
  }
}
