import { MilaError } from '../../errors.ts';
import { ACTING_CHECKS } from './checks/acting-checks.ts';
import { FOLDER_CHECKS } from './checks/folder-checks.ts';
import { LIMIT_CHECKS } from './checks/limit-checks.ts';
import { LOGIN_CHECKS } from './checks/login-checks.ts';
import { PEOPLE_CHECKS } from './checks/people-checks.ts';
import { ROLE_CHECKS } from './checks/role-checks.ts';
import { SCOPE_CHECKS } from './checks/scope-checks.ts';
import { WAKE_UP_CHECKS } from './checks/wake-up-check.ts';
import { type Finding, type Outcome, STEP_IDS, type StepId } from './finding.ts';
import { type Check, failedBy, type Look } from './look.ts';
import { STEPS } from './steps.ts';

const CHECKS: Readonly<Record<StepId, Check>> = {
  ...LOGIN_CHECKS,
  ...SCOPE_CHECKS,
  ...PEOPLE_CHECKS,
  ...ACTING_CHECKS,
  ...FOLDER_CHECKS,
  ...ROLE_CHECKS,
  ...WAKE_UP_CHECKS,
  ...LIMIT_CHECKS,
};

/** A report's line for what a check found. */
function toFinding(step: StepId, outcome: Outcome): Finding {
  const base = {
    step,
    title: STEPS[step].title,
    status: outcome.status,
    blocks: false,
    because: null,
    answer: null,
    mend: [],
    warnings: [],
  };
  switch (outcome.status) {
    case 'ok':
      return { ...base, text: outcome.found, warnings: outcome.warnings ?? [] };
    case 'failed':
      return {
        ...base,
        text: outcome.means,
        blocks: outcome.blocks ?? true,
        answer: outcome.answer ?? null,
        mend: outcome.mend ?? STEPS[step].mend,
      };
    case 'skipped':
      return { ...base, text: STEPS[outcome.because].title, because: outcome.because };
    case 'cannot-tell':
      return { ...base, text: outcome.why };
  }
}

/** The step at the root of it, when one that this step needs is not there. */
function hindrance(step: StepId, findings: ReadonlyMap<StepId, Finding>): StepId | undefined {
  for (const need of STEPS[step].needs) {
    const finding = findings.get(need);
    if (finding?.status === 'skipped') return finding.because ?? need;
    if (finding?.status === 'failed' && finding.blocks) return need;
  }
  return undefined;
}

async function outcomeOf(step: StepId, look: Look): Promise<Outcome> {
  try {
    return await CHECKS[step](look);
  } catch (error) {
    // What a check did not expect is told in Box's own words rather than lost.
    if (error instanceof MilaError && look.facts.enterprise !== undefined) return failedBy(error, look);
    throw error;
  }
}

/**
 * Check the steps of a set-up in order, each as far as the ones before it allow.
 *
 * Guarantees: what was written for a trial is gone at the end, also when the check is aborted; one step's fault is
 * told once, and what hangs on it is skipped. Errors: AbortError; a bug.
 */
export async function examine(
  look: Look,
  options: { readonly steps?: readonly StepId[]; readonly onFinding?: (finding: Finding) => void } = {},
): Promise<readonly Finding[]> {
  const findings = new Map<StepId, Finding>();
  for (const step of options.steps ?? STEP_IDS) {
    if (!STEPS[step].sides.includes(look.wanted.side)) continue;
    const because = hindrance(step, findings);
    const outcome: Outcome =
      because === undefined ? await outcomeOf(step, look) : { status: 'skipped', because };
    const finding = toFinding(step, outcome);
    findings.set(step, finding);
    options.onFinding?.(finding);
  }
  return [...findings.values()];
}
