import { Command, Option } from 'commander';
import { ConfigError } from '../../errors.ts';
import { examine } from '../../sync/admin/doctor.ts';
import type { GroupRole } from '../../sync/admin/enterprise.ts';
import { type Finding, STEP_IDS, type StepId } from '../../sync/admin/finding.ts';
import { enterpriseOf, type Look } from '../../sync/admin/look.ts';
import { Setup } from '../../sync/admin/setup.ts';
import type { SetupAction } from '../../sync/admin/setup-works.ts';
import { type AdminFlags, openAdminSession, reportStyle } from '../admin-session.ts';
import { actionText, findingText } from '../admin-text.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { linesOf, type Output, processOutput } from '../output.ts';
import { collect, doctorDocument, doctorExit } from './doctor.ts';

interface SetupFlags extends AdminFlags {
  readonly dryRun?: boolean;
  readonly role: GroupRole;
}

/** What has to be there before anything can be made: no person's work can be done by an API that lets nobody in. */
const BEFOREHAND: readonly StepId[] = STEP_IDS.slice(0, STEP_IDS.indexOf('access-level'));

async function carryOut(look: Look, flags: SetupFlags, output: Output): Promise<readonly SetupAction[]> {
  const { wanted } = look;
  if (wanted.groupName === undefined) {
    throw new ConfigError({
      code: 'configuration-invalid',
      message: 'box_configuration.group_name is missing, so there is no group to make',
    });
  }
  const style = reportStyle(flags);
  const actions: SetupAction[] = [];
  const setup = new Setup({
    enterprise: enterpriseOf(look),
    groupName: wanted.groupName,
    sharedFolder: wanted.sharedFolder,
    participants: wanted.participants,
    role: flags.role,
    dryRun: flags.dryRun === true,
    onAction: (action) => {
      actions.push(action);
      if (!output.json) output.result(linesOf(actionText(action, style)));
    },
  });
  await setup.run();
  return actions;
}

function closingWords(path: string, actions: readonly SetupAction[]): string {
  const count = (state: SetupAction['state']) => actions.filter((action) => action.state === state).length;
  const [made, planned, left] = [count('made'), count('would-make'), count('by-hand')];
  if (planned > 0) return `${planned} to make. Nothing was changed: run this without --dry-run to make them.`;
  const hand = left === 0 ? '' : ` ${left} left to do by hand, see above.`;
  const done = made === 0 ? 'Nothing to make.' : `${made} made.`;
  return `${done}${hand} Check the whole with: mila-sync doctor ${path}`;
}

function tellBlocked(findings: readonly Finding[], output: Output, flags: SetupFlags): void {
  const style = reportStyle(flags);
  for (const finding of findings) if (finding.blocks) output.result(linesOf(findingText(finding, style)));
  output.result(['', 'Nothing was made: this has to be mended by hand first. Then run setup again.']);
}

async function setup(path: string, flags: SetupFlags): Promise<void> {
  const output = processOutput(flags);
  const interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const look = await openAdminSession(path, { ...flags, write: false }, { output, signal });
  try {
    if (look.wanted.side === 'own-app-client') throw ownAppError(path);
    const findings = await examine(look, { steps: BEFOREHAND });
    if (findings.some(({ blocks }) => blocks)) {
      if (output.json) output.document(doctorDocument(path, look.wanted.side, findings));
      else tellBlocked(findings, output, flags);
      process.exitCode = doctorExit(findings);
      return;
    }
    const actions = await carryOut(look, flags, output);
    if (output.json) {
      output.document({ config: path, dry_run: flags.dryRun === true, actions: actions.map(actionDocument) });
    } else output.result(['', closingWords(path, actions)]);
    if (actions.some(({ state }) => state === 'by-hand')) process.exitCode = EXIT.permission;
  } catch (error) {
    if (!signal.aborted) throw error;
    output.note('interrupted; what was made stays, and is found when this is run again');
    process.exitCode = EXIT.interrupted;
  } finally {
    await look.facts.enterprise?.close();
    interrupt.dispose();
  }
}

function actionDocument({ part, state, text, how, link, answer }: SetupAction): unknown {
  return { part, state, text, how, link, answer };
}

function ownAppError(path: string): ConfigError {
  return new ConfigError({
    code: 'configuration-invalid',
    message: `${path}: this participant's app is its own (account is service_account), so it has nothing to make in Box`,
    hint:
      "An administrator adds the app's account to the group: Admin Console > Users & Groups > Groups. " +
      `Then check with: mila-sync doctor ${path}`,
  });
}

const HELP = `
Makes what a federation needs in Box and is not there yet: the group, the app's own account in it, the shared folder,
the group's invitation to it as Editor, and an account in the group for each --participant (with a client's file: for
that client). What exists stays as it is; what only a person can do is said. Running it again makes nothing twice.

Exit code: 0 all is there, 3 something is left to do by hand.

Example:
  mila-sync setup server.json --dry-run
  mila-sync setup server.json --participant site_a --participant site_b`;

/** `mila-sync setup CONFIG`. */
export function setupCommand(): Command {
  return new Command('setup')
    .description("make what the administrator's set-up needs in Box, as far as a program can")
    .argument('<config>', "a Mila configuration file (JSON or YAML), a server's or a client's")
    .option('--participant <name>', 'a participant who gets an account (may be repeated)', collect)
    .addOption(
      new Option('--role <role>', 'what the group is to be in a new folder')
        .choices(['editor', 'viewer uploader'])
        .default('editor'),
    )
    .option('--dry-run', 'only say what would be made')
    .option('--json', 'one JSON document')
    .option('--quiet', 'no notes on standard error')
    .option('--verbose', 'log every call on standard error')
    .option('--no-color', 'no colours')
    .addHelpText('after', HELP)
    .action(setup);
}
