import type { ConfigurationDocument } from './document.ts';
import { GRPC_KEYS } from './grpc-section.ts';
import { isRecord } from './json-text.ts';

const GRPC = 'grpc_configuration';

/** A key that stands in a file twice, under two names or in two places. */
export interface SecondName {
  /** As it stands in the file. */
  readonly written: string;
  /** Where the key belongs. */
  readonly place: readonly string[];
  readonly value: unknown;
  /** The one that counts. */
  readonly winner: string;
}

/** A file with each key under its one name and in its one place, and what was said twice. */
export interface CanonicalDocument {
  readonly document: ConfigurationDocument;
  readonly seconds: readonly SecondName[];
}

/** Names that older texts use for a key. */
function withAliases(
  document: ConfigurationDocument,
  aliases: Readonly<Record<string, string>>,
): CanonicalDocument {
  const seconds: SecondName[] = [];
  const entries = Object.entries(document).flatMap(([written, value]): [string, unknown][] => {
    const name = Object.hasOwn(aliases, written) ? aliases[written] : undefined;
    if (name === undefined) return [[written, value]];
    if (!Object.hasOwn(document, name)) return [[name, value]];
    seconds.push({ written, place: [name], value, winner: name });
    return [];
  });
  return { document: Object.fromEntries(entries), seconds };
}

/** kMoL's guide puts these at the top level, its code below grpc_configuration; both are read. */
function withGrpcSection(document: ConfigurationDocument): CanonicalDocument {
  const found = GRPC_KEYS.filter((name) => Object.hasOwn(document, name));
  const section = document[GRPC] ?? {};
  // What is no section at all is a fault, which must not be hidden by what stands beside it.
  if (found.length === 0 || !isRecord(section)) return { document, seconds: [] };
  const rest = Object.fromEntries(Object.entries(document).filter(([name]) => !found.includes(name)));
  const moved = Object.fromEntries(found.map((name) => [name, document[name]]));
  const seconds = found
    .filter((name) => Object.hasOwn(section, name))
    .map((name) => ({
      written: name,
      place: [GRPC, name],
      value: document[name],
      winner: `${GRPC}.${name}`,
    }));
  return { document: { ...rest, [GRPC]: { ...moved, ...section } }, seconds };
}

/** Bring every key of a file under its one name and to its one place. Guarantees: applied twice, it changes nothing. */
export function canonicalDocument(
  document: ConfigurationDocument,
  aliases: Readonly<Record<string, string>>,
): CanonicalDocument {
  const named = withAliases(document, aliases);
  const placed = withGrpcSection(named.document);
  return { document: placed.document, seconds: [...named.seconds, ...placed.seconds] };
}
