import type { Actor } from '../auth/actor.ts';
import { requireAdmin } from '../auth/authenticate.ts';
import type { Box } from '../box.ts';
import type { EventSource } from '../events/event-feed.ts';
import type { ActorContext, RequestContext } from '../http/context.ts';
import { askedFields, choiceParam, numberParam, textParam } from '../http/query.ts';
import { RawNumber } from '../http/raw-number.ts';
import { insufficientScope, invalidParameter } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, plain, type Route } from '../http/route.ts';
import { renderCollaboration } from '../render/collaborations.ts';
import { ItemRenderer } from '../render/items.ts';
import { renderGroup, renderMiniUser, renderUser } from '../render/users.ts';
import type { DeliveryRow } from '../store/events.ts';

const USER_STREAMS = ['all', 'changes', 'sync'];
const ADMIN_STREAMS = ['admin_logs', 'admin_logs_streaming'];
const LIMIT_MAX = 500;
const DAY_MS = 86_400_000;
/** What the realtime server announces. Units: minutes, attempts, seconds, as Box writes them. */
const REALTIME = { ttl: '10', max_retries: '10', retry_timeout: 610 };

/** Streams positions are moved up by a base, so that a test can make them longer than a JavaScript number holds. */
const base = (box: Box) => BigInt(box.settings.values.streamPositionBase);
const positionNumber = (box: Box, position: number) => new RawNumber(String(BigInt(position) + base(box)));

function positionOf(box: Box, value: string): number {
  if (!/^\d{1,20}$/.test(value))
    throw invalidParameter('stream_position', `Invalid value '${value.slice(0, 50)}'.`);
  const position = BigInt(value);
  return position <= base(box) ? 0 : Number(position - base(box));
}

const streamType = (context: ActorContext) =>
  choiceParam(context, 'stream_type', [...USER_STREAMS, ...ADMIN_STREAMS], 'all');

function list(box: Box, context: ActorContext): Reply {
  const { actor } = context;
  if (actor.token.authority.restrictions !== null) throw insufficientScope();
  if (ADMIN_STREAMS.includes(streamType(context))) return adminStream(box, context);
  const short = box.settings.values.shortEventPageEntries;
  const limit = Math.min(
    numberParam(context, 'limit', 100, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    short > 0 ? short : LIMIT_MAX,
    LIMIT_MAX,
  );
  box.feed.publishDue();
  const wanted = textParam(context, 'stream_position') ?? '0';
  if (wanted === 'now') return page(box, [], box.store.events.lastPosition());
  const position = positionOf(box, wanted);
  const forgotten = box.store.transaction(() => forget(box));
  if (position > 0 && position < forgotten) {
    const stale = box.settings.values.stalePosition;
    if (stale === 'error') throw invalidParameter('stream_position', 'The stream position is too old');
    if (stale === 'empty') return page(box, [], box.store.events.lastPosition());
  }
  const rows = box.store.events.page(actor.user.id, position, limit);
  const entries = rows.map((row) => renderEvent(box, actor, row, askedFields(context)));
  return page(box, entries, rows.at(-1)?.position ?? Math.max(position, lowest(box, position)));
}

/** An empty page gives the position back; one that was never given out becomes the newest that was. */
function lowest(box: Box, position: number): number {
  return position === 0 ? box.store.events.lastPosition() : 0;
}

/** Drop what the retention no longer keeps. Returns the newest position that was ever dropped. */
function forget(box: Box): number {
  const before = box.clock.now() - box.settings.values.eventRetentionDays * DAY_MS;
  const known = box.store.meta.get('forgotten-position');
  const dropped = box.store.events.forgetBefore(before);
  if (dropped > 0) box.store.meta.set('forgotten-position', dropped);
  return Math.max(dropped, typeof known === 'number' ? known : 0);
}

function page(box: Box, entries: readonly unknown[], position: number): Reply {
  return json({ chunk_size: entries.length, next_stream_position: positionNumber(box, position), entries });
}

/** The enterprise streams exist, and hold nothing here. */
function adminStream(box: Box, context: ActorContext): Reply {
  requireAdmin(context.actor, 'manage_enterprise_properties');
  return json({ chunk_size: 0, next_stream_position: String(box.store.events.lastPosition()), entries: [] });
}

function renderEvent(box: Box, actor: Actor, row: DeliveryRow, asked?: readonly string[]): unknown {
  // Sources are written by the emulator itself.
  const source = JSON.parse(row.source) as EventSource;
  return {
    type: 'event',
    event_id: row.event_id,
    event_type: row.event_type,
    created_by: renderMiniUser(box, row.created_by),
    created_at: box.clock.format(row.created_at),
    recorded_at: box.clock.format(row.recorded_at),
    source: renderSource(box, actor, source, asked),
  };
}

function renderSource(box: Box, actor: Actor, source: EventSource, asked?: readonly string[]): unknown {
  switch (source.kind) {
    case 'item': {
      const now =
        box.settings.values.eventSource === 'read' ? box.store.items.get(source.row.id) : source.row;
      if (now === undefined) return null;
      return new ItemRenderer(box).standard({ sight: box.access.recollect(actor, now) }, asked);
    }
    case 'collaboration':
      return renderCollaboration(box, actor, source.row);
    case 'user':
      return renderUser(box, source.row);
    case 'group':
      return renderGroup(box, source.row);
  }
}

function realtime(box: Box, context: ActorContext): Reply {
  if (context.actor.token.authority.restrictions !== null) throw insufficientScope();
  const stream = streamType(context);
  if (ADMIN_STREAMS.includes(stream))
    throw invalidParameter('stream_type', 'Enterprise streams have no long poll');
  const channel = box.polls.channelFor(context.actor.user.id);
  const url = `${box.addresses().edge}/subscribe?channel=${channel}&stream_type=${encodeURIComponent(stream)}`;
  return json({ chunk_size: 1, entries: [{ type: 'realtime_server', url, ...REALTIME }] });
}

async function subscribe(box: Box, context: RequestContext): Promise<Reply> {
  const userId = box.polls.userOf(context.query.get('channel') ?? '');
  if (userId === undefined) return json({ version: 1, message: 'reconnect' });
  const wanted = textParam(context, 'stream_position');
  const position = wanted === undefined || wanted === 'now' ? undefined : positionOf(box, wanted);
  const outcome = await box.polls.wait(userId, position, context.aborted());
  return outcome === 'gone' ? empty(204) : json({ version: 1, message: outcome });
}

/** The user's stream of events, and the wait for the next one. */
export function eventRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/events', (context) => list(box, context)),
    api('OPTIONS', '/2.0/events', (context) => realtime(box, context)),
    plain('uncounted', 'GET', '/subscribe', (context) => subscribe(box, context)),
  ];
}
