import { APP_STEPS } from './app-steps.ts';
import type { StepId } from './finding.ts';
import { SHARED_STEPS } from './shared-steps.ts';
import type { Step } from './step.ts';

/** What each step of the set-up asks for, and how it is mended. */
export const STEPS: Readonly<Record<StepId, Step>> = { ...APP_STEPS, ...SHARED_STEPS };
