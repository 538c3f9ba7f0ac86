import { CorruptError, StaleError } from '../../errors.ts';
import type { OpenUpdate } from './input-set.ts';
import { agreesTogether, joinChecksums, type TensorFindings } from './stream-jobs.ts';
import type { Column } from './tensor-columns.ts';
import { damagedFault, FaultyUpdates, type UpdateFault } from './update-fault.ts';

/** Collects one fault for each update. */
class Damage {
  readonly #faults = new Map<OpenUpdate, UpdateFault>();

  note(update: OpenUpdate | undefined, tensor: string): void {
    if (update !== undefined && !this.#faults.has(update))
      this.#faults.set(update, damagedFault(update, tensor));
  }

  /** Errors: FaultyUpdates when there is any. */
  assertNone(): void {
    if (this.#faults.size > 0) throw new FaultyUpdates([...this.#faults.values()]);
  }
}

/**
 * Compare what was read with the inputs' checksums. `updates` are the first of the columns.
 *
 * Guarantees: where several were compared together and differ, they are read again to find whose fault it is.
 * Errors: FaultyUpdates; CorruptError for a column that is no update; StaleError 'changed' for damage that is gone again.
 */
export async function assertUndamaged(
  columns: readonly Column[],
  updates: readonly OpenUpdate[],
  findings: readonly TensorFindings[],
): Promise<void> {
  const damage = new Damage();
  for (const found of findings)
    for (const column of damagedAlone(found)) damage.note(updates[column], found.tensor.name);
  damage.assertNone();
  const suspects = findings.filter((found) => !agreesTogether(found));
  if (suspects.length === 0) return;
  for (const { columns: numbers, tensor } of suspects)
    for (const column of numbers)
      if (await isDamaged(columns[column], tensor.name, updates[column]))
        damage.note(updates[column], tensor.name);
  damage.assertNone();
  throw new StaleError({ code: 'changed', message: 'an input was written while it was read' });
}

/** The columns whose own checksum was taken and differs. */
function damagedAlone(found: TensorFindings): number[] {
  return found.columns.filter((column, position) => {
    if (found.jobs[0]?.inputChecksums[position] !== 'alone') return false;
    const actual = joinChecksums(found, ({ inputChecksums }) => inputChecksums[position]);
    return actual !== found.tensor.sources[column]?.checksum;
  });
}

/** Read one column's storage again. Errors: CorruptError where the column is no update. */
async function isDamaged(
  column: Column | undefined,
  tensor: string,
  update: OpenUpdate | undefined,
): Promise<boolean> {
  const layout = column?.model.tensors.get(tensor);
  if (column === undefined || layout === undefined) return false;
  try {
    await column.checkpoint.verify(layout);
    return false;
  } catch (error) {
    if (error instanceof CorruptError && update !== undefined) return true;
    throw error;
  }
}
