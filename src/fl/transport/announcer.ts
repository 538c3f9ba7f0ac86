import type { Clock } from '../../clock.ts';
import type { ServerHeard } from '../round/client-state.ts';
import type { FederationEvent } from '../round/event.ts';
import { isOverdue } from './server-sign.ts';

/** Something that is awaited. Units: `untilMs` monotonic milliseconds. */
interface Awaiting {
  readonly what: string;
  readonly participants: readonly string[];
  readonly untilMs: number | null;
  readonly message: string;
  /** Of a client that waits for its server. */
  readonly server?: ServerHeard | undefined;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** Tells what is awaited, from whom and until when; each news once. */
export interface Announcer {
  awaited(awaiting: Awaiting): void;
  /** Changes of others cannot arrive, and why. */
  disconnected(why: string | null): void;
  /** Something is being done: the next wait is news, even for the same thing. */
  nothing(): void;
  /** Something failed that is tried again. */
  trouble(message: string): void;
}

export function createAnnouncer(clock: Clock, onEvent: (event: FederationEvent) => void): Announcer {
  let said = '';
  let lastTrouble = '';
  const say = ({ what, participants, untilMs, message, server }: Awaiting): void => {
    const overdue = server !== undefined && isOverdue(server.dueAtMs, clock.now());
    // That it was heard again is no news, and that it was not is.
    const news = JSON.stringify([what, participants, untilMs, message, overdue]);
    if (news === said) return;
    said = news;
    const until = untilMs === null ? null : iso(clock.now() + untilMs - clock.monotonic());
    const heard = server && {
      heard_at: iso(server.atMs),
      due_at: server.dueAtMs === null ? null : iso(server.dueAtMs),
      overdue,
    };
    onEvent({
      event: 'waiting',
      what,
      participants,
      until,
      message,
      ...(heard === undefined ? {} : { server: heard }),
    });
  };
  return {
    awaited(awaiting) {
      lastTrouble = '';
      say(awaiting);
    },
    disconnected(why) {
      const message = `${why ?? 'nothing is heard of the others'}; going on when that is over, nobody is cut off for it`;
      say({ what: 'connection', participants: [], untilMs: null, message });
    },
    nothing() {
      said = '';
      lastTrouble = '';
    },
    trouble(message) {
      if (message === lastTrouble) return;
      lastTrouble = message;
      onEvent({ event: 'trouble', message });
    },
  };
}
