import { TransientError } from '../../../errors.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, enterpriseOf, failedBy, type Look } from '../look.ts';

/** Whether the server that wakes mounts can be reached: another host than all the others, and often forgotten. */
async function wakeUp(look: Look): Promise<Outcome> {
  try {
    const host = await enterpriseOf(look).tryWakeUp();
    return { status: 'ok', found: `${host} can be waited at.` };
  } catch (error) {
    if (!(error instanceof TransientError) || error.code !== 'realtime-unreachable')
      return failedBy(error, look);
    return {
      status: 'failed',
      // Mounts go on without: they look now and then instead.
      blocks: false,
      means: `${error.message}. Until then nothing wakes a mount on this machine when something changes in Box: it sees that later.`,
    };
  }
}

export const WAKE_UP_CHECKS = { 'wake-up': wakeUp } as const satisfies Partial<Record<StepId, Check>>;
