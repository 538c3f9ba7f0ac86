import { withPlainNumbers } from '../config/written-numbers.ts';
import type { TaskConfiguration } from './executor.ts';

function epochsOf(value: unknown): number | undefined {
  const written = typeof value === 'object' && value !== null && 'epochs' in value ? value.epochs : undefined;
  const epochs = withPlainNumbers(written);
  return typeof epochs === 'number' && epochs > 0 ? epochs : undefined;
}

/**
 * What is odd about a task's learning-rate schedule when it is trained round by round; null when nothing is.
 *
 * Each round's training begins its schedule anew, since an aggregate carries a model and no optimizer: a schedule
 * over more epochs than a round has never gets past its beginning, such as the warm-up of a OneCycleLR.
 */
export function scheduleOddity(task: TaskConfiguration): string | null {
  const spanned = epochsOf(task['scheduler']);
  const trained = epochsOf(task);
  if (spanned === undefined || trained === undefined || spanned <= trained) return null;
  const share = Math.round((trained / spanned) * 100);
  return `the learning-rate schedule spans ${spanned} epochs, but a round trains ${trained} and begins it anew: no round gets past its first ${share} %; set scheduler.epochs to ${trained}`;
}
