import { randomBelow, seededRandom, shuffledIndices } from '../../../random.ts';
import { CLASSES } from './digits.ts';

/** How the training digits are divided between the participants. */
export interface Partition {
  readonly clients: number;
  /** Training digits given out in all. */
  readonly samples: number;
  /** 0: everybody gets the same mixture; 1: each label goes to its owners only. */
  readonly skew: number;
  readonly seed: number;
}

/** Whose label this is: labels are dealt to clients in turn; beyond ten clients, clients to labels. */
function ownersOf(label: number, clients: number): readonly number[] {
  if (clients <= CLASSES) return [label % clients];
  return Array.from({ length: clients }, (_, client) => client).filter(
    (client) => client % CLASSES === label,
  );
}

/**
 * The numbers of the training digits that one client trains on, ascending.
 *
 * Guarantees: depends on the partition only, so that every site computes the same division by itself; no digit
 * belongs to two clients, and together the clients hold `samples` of them.
 */
export function partitionIndices(labels: Uint8Array, partition: Partition, client: number): Uint32Array {
  const random = seededRandom(partition.seed);
  const given = shuffledIndices(random, labels.length).slice(0, partition.samples);
  const owners = Array.from({ length: CLASSES }, (_, label) => ownersOf(label, partition.clients));
  const mine = given.filter((index) => {
    const owning = owners[labels[index] ?? 0] ?? [];
    const toOwner = random.next() < partition.skew;
    const owner = owning[randomBelow(random, owning.length)];
    const anyone = randomBelow(random, partition.clients);
    return (toOwner ? owner : anyone) === client;
  });
  return mine.sort();
}
