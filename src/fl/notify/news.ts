import { splitLastWords } from '../../last-words.ts';
import { shortened } from '../../printable.ts';
import type { FederationEvent } from '../round/event.ts';

/** What somebody outside is told of; each kind has a limit of its own. */
export type NewsKind = 'trouble' | 'training-failed' | 'update-refused' | 'participant-lost' | 'ended';

/** Something to tell. */
export interface News {
  readonly kind: NewsKind;
  /** One sentence. */
  readonly text: string;
}

/** Longer texts are cut. Units: characters. */
const TEXT_MAX = 300;

function kindOf(event: FederationEvent): NewsKind | undefined {
  switch (event.event) {
    case 'trouble':
    case 'training-failed':
    case 'update-refused':
    case 'participant-lost':
    case 'ended':
      return event.event;
    case 'waiting':
      // Nothing is heard of the others, or of the server when it was due: the folder, its mount or the server is away.
      return event.what === 'connection' || event.server?.overdue === true ? 'trouble' : undefined;
    default:
      return undefined;
  }
}

/**
 * What an event is to somebody outside; undefined for what nobody need be woken for.
 *
 * Guarantees: one line; what a training program printed is not in it, for nobody knows what that is.
 */
export function newsOf(
  event: FederationEvent,
  describe: (event: FederationEvent) => string,
): News | undefined {
  const kind = kindOf(event);
  if (kind === undefined) return undefined;
  const [line = ''] = splitLastWords(describe(event)).said.split('\n');
  return { kind, text: shortened(line, TEXT_MAX) };
}
