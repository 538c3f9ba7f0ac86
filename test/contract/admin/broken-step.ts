import type { StepId } from '../../../src/sync/admin/finding.ts';
import type { Wanted } from '../../../src/sync/admin/look.ts';
import type { AdminWorld } from '../../support/admin-world.ts';

/** One step broken in one way, and what must be said about it. */
export interface BrokenStep {
  readonly name: string;
  readonly step: StepId;
  readonly wanted?: Partial<Wanted>;
  readonly api?: string;
  /** Breaks it, and returns how it is mended. */
  readonly spoil: (world: AdminWorld) => Promise<() => Promise<unknown>>;
  readonly means: RegExp;
  /** Status and code of Box's answer, where Box is what refuses. */
  readonly answer?: readonly [number, string | null];
  /** Default true. */
  readonly blocks?: boolean;
  /** Steps that cannot be told any more, beside the one that never can. */
  readonly untold?: readonly StepId[];
}

/** For what is wrong in the configuration alone. */
export const nothing = async () => async () => undefined;

/** A call that Box answers in this way. */
export const faulty =
  (match: Record<string, unknown>, action: Record<string, unknown>) =>
  async (world: AdminWorld): Promise<() => Promise<unknown>> => {
    await world.fault(match, { kind: 'status', ...action });
    return () => world.control('DELETE', '/faults');
  };
