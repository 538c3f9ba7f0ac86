import { CorruptError } from '../../errors.ts';
import { quoted } from '../torch/malformed.ts';
import type { RefusedUpdate } from './aggregator.ts';
import type { OpenUpdate } from './input-set.ts';

/** Why one update cannot take part. */
export interface UpdateFault {
  readonly update: OpenUpdate;
  readonly reason: string;
  readonly message: string;
  readonly tensor?: string;
}

/** Thrown inside an attempt to combine: the attempt is void, the named updates are at fault. */
export class FaultyUpdates extends CorruptError {
  readonly faults: readonly UpdateFault[];

  constructor(faults: readonly UpdateFault[]) {
    super({ code: 'faulty-updates', message: faults.map(({ message }) => message).join('; ') });
    this.faults = faults;
  }
}

export function damagedFault(update: OpenUpdate, tensor: string): UpdateFault {
  return {
    update,
    reason: 'bad-checksum',
    message: `${quoted(tensor)} is damaged: its checksum differs`,
    tensor,
  };
}

export function nonFiniteFault(update: OpenUpdate, tensor: string): UpdateFault {
  return {
    update,
    reason: 'not-finite',
    message: `${quoted(tensor)} holds values that are infinite or not a number`,
    tensor,
  };
}

export function refusalFor({ update, reason, message, tensor }: UpdateFault): RefusedUpdate {
  const { participant } = update.input;
  return { participant, reason, message, ...(tensor === undefined ? {} : { tensor }) };
}
