import { Command } from 'commander';
import { examine } from '../../sync/admin/doctor.ts';
import type { Finding } from '../../sync/admin/finding.ts';
import { type AdminFlags, openAdminSession, reportStyle } from '../admin-session.ts';
import { findingText, summaryText } from '../admin-text.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { linesOf, processOutput } from '../output.ts';

interface DoctorFlags extends AdminFlags {
  readonly write: boolean;
}

/** What the findings mean to a script. */
export function doctorExit(findings: readonly Finding[]): ExitCode {
  const blocking = findings.filter(({ blocks }) => blocks);
  if (blocking.length === 0) return EXIT.done;
  return blocking.every(({ step }) => step === 'reach') ? EXIT.unreachable : EXIT.permission;
}

/** The findings as one JSON document. */
export function doctorDocument(path: string, side: string, findings: readonly Finding[]): unknown {
  const steps = findings.map(({ step, title, status, blocks, text, because, answer, mend, warnings }) => ({
    id: step,
    title,
    status,
    blocks,
    text,
    because,
    answer: answer && {
      call: answer.call,
      status: answer.status,
      code: answer.code,
      message: answer.message,
      request_id: answer.requestId,
    },
    mend,
    warnings,
  }));
  const failed = findings.filter(({ status }) => status === 'failed').length;
  const blocking = findings.filter(({ blocks }) => blocks).length;
  return { config: path, side, ok: failed === 0, failed, blocking, steps };
}

async function doctor(path: string, flags: DoctorFlags): Promise<void> {
  const output = processOutput(flags);
  const style = reportStyle(flags);
  const interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const look = await openAdminSession(path, flags, { output, signal });
  try {
    const findings = await examine(look, {
      onFinding: (finding) => {
        if (!output.json) output.result(linesOf(findingText(finding, style)));
      },
    });
    if (output.json) output.document(doctorDocument(path, look.wanted.side, findings));
    else output.result(['', ...linesOf(summaryText(findings, style))]);
    process.exitCode = doctorExit(findings);
  } catch (error) {
    if (!signal.aborted) throw error;
    output.note('interrupted; what was written for a trial is removed');
    process.exitCode = EXIT.interrupted;
  } finally {
    await look.facts.enterprise?.close();
    interrupt.dispose();
  }
}

/** Gathers an option that may be given several times. */
export const collect = (value: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  value,
];

const HELP = `
Looks at every step of the set-up in Box that CONFIG needs, and says for each that is not in order what Box answered,
what that means, where to click and who can do it. With a client's file, only what that client needs. To see whether
writing works, it makes a small folder and removes it.

With --json, one document: config, side, ok, failed, blocking (counts), and steps, each with id, title, status (ok, failed,
skipped, cannot-tell), blocks, text, because (a step's id), answer (call, status, code, message, request_id), mend (who,
what, link) and warnings.

Exit code: 0 a run can start, 3 something has to be mended first, 5 Box cannot be reached.

Example:
  mila-sync doctor server.json
  mila-sync doctor server.json --participant site_a --participant site_b`;

/** `mila-sync doctor CONFIG`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description("check every step of the administrator's set-up in Box, and say what to click")
    .argument('<config>', "a Mila configuration file (JSON or YAML), a server's or a client's")
    .option('--participant <name>', 'a participant whose account to look at (may be repeated)', collect)
    .option('--no-write', 'only look; what only writing can tell stays unknown')
    .option('--json', 'one JSON document')
    .option('--quiet', 'no notes on standard error')
    .option('--verbose', 'log every call on standard error')
    .option('--no-color', 'no colours')
    .addHelpText('after', HELP)
    .action(doctor);
}
