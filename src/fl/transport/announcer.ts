import type { Clock } from '../../clock.ts';
import type { FederationEvent } from '../round/event.ts';

/** Something that is awaited. Units: `untilMs` monotonic milliseconds. */
interface Awaiting {
  readonly what: string;
  readonly participants: readonly string[];
  readonly untilMs: number | null;
  readonly message: string;
}

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
  const say = ({ what, participants, untilMs, message }: Awaiting): void => {
    const news = JSON.stringify([what, participants, untilMs, message]);
    if (news === said) return;
    said = news;
    const until = untilMs === null ? null : new Date(clock.now() + untilMs - clock.monotonic()).toISOString();
    onEvent({ event: 'waiting', what, participants, until, message });
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
