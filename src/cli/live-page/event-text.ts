/** An event of a stream as a browser's EventSource reads it. */
export interface StreamEvent {
  /** Where the stream is after it; null for what a reader need not catch up with. */
  readonly id: string | null;
  readonly event: string;
  readonly data: unknown;
}

/** Said when nothing else is, so that a dead connection is noticed. */
export const HEARTBEAT = ': heartbeat\n\n';
/** How long a browser waits before it connects again. Units: milliseconds. */
const RETRY_MS = 2_000;

/** The first words of a stream. */
export const STREAM_HEAD = `retry: ${RETRY_MS}\n\n`;

/**
 * An event in the stream's format. Guarantees: whatever stands in the data, it is one event: JSON holds no end of line.
 *
 * Source: HTML Standard, 9.2 Server-sent events.
 */
export function eventText({ id, event, data }: StreamEvent): string {
  const position = id === null ? '' : `id: ${id}\n`;
  return `${position}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** How far a reader had come in this stream's life; 0 for a reader of another life, or of none. */
export function positionIn(life: string, lastEventId: string | undefined): number {
  const [of, version] = (lastEventId ?? '').split('.', 2);
  return of === life && /^\d{1,15}$/.test(version ?? '') ? Number(version) : 0;
}

/** The id of the event after which a reader has everything up to a version. */
export const eventId = (life: string, version: number) => `${life}.${version}`;
