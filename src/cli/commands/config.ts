import { Argument, Command } from 'commander';
import { MilaError } from '../../errors.ts';
import { readConfigurationDocument } from '../../fl/config/document.ts';
import { filledConfiguration } from '../../fl/config/filled.ts';
import { configurationSchema } from '../../fl/config/json-schema.ts';
import { unusable } from '../../fl/config/parse.ts';
import { judgeConfiguration, type Role } from '../../fl/config/sides.ts';
import { boundedLines } from '../../issue-words.ts';
import { lookAtFiles } from '../configuration-files.ts';
import { configurationLines, documentLines } from '../configuration-text.ts';
import { type Output, processOutput } from '../output.ts';

interface ConfigFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Everything that is to be said of a file. */
interface Verdict {
  readonly path: string;
  readonly role: Role | null;
  readonly ok: boolean;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

async function verdictOn(path: string): Promise<Verdict> {
  const document = await readConfigurationDocument(path);
  const { role, judgement } = judgeConfiguration(document, path);
  const files = await lookAtFiles(judgement.document, role, process.env);
  const faults = [...judgement.faults, ...files.faults].map(shortened);
  const warnings = [...judgement.warnings, ...files.warnings].map(shortened);
  return { path, role, ok: faults.length === 0, faults, warnings };
}

/** Each line by itself: nothing bounds how many there are, for each is wanted. */
const shortened = (line: string) => boundedLines([line])[0] ?? line;

/** A file that is no configuration at all has one fault. */
function documentOfError(path: string, error: unknown): Verdict {
  if (!(error instanceof MilaError)) throw error;
  return { path, role: null, ok: false, faults: [error.message], warnings: [] };
}

async function check(path: string, flags: ConfigFlags): Promise<void> {
  const output = processOutput(flags);
  const verdict = await verdictOn(path).catch((error: unknown) => {
    if (output.json) output.document(documentOfError(path, error));
    throw error;
  });
  const { role, ok, faults, warnings } = verdict;
  if (output.json) output.document(verdict);
  for (const warning of warnings) output.note(`warning: ${path}: ${warning}`);
  if (!ok) throw unusable(path, faults);
  if (!output.json) output.result(`${path}: ok, a ${role}'s configuration`);
}

async function show(path: string, flags: ConfigFlags): Promise<void> {
  const output = processOutput(flags);
  const { role, judgement } = judgeConfiguration(await readConfigurationDocument(path), path);
  const { faults, warnings, document } = judgement;
  if (faults.length > 0) throw unusable(path, faults.map(shortened));
  for (const warning of warnings) output.note(`warning: ${path}: ${shortened(warning)}`);
  const filled = filledConfiguration(document, role);
  output.result(output.json ? documentLines(filled.document) : configurationLines(filled, { path, role }));
}

function schema(role: Role): void {
  const output: Output = processOutput();
  output.result(documentLines(configurationSchema(role)));
}

const withFile = (command: Command) =>
  command.argument('<file>', 'a configuration file of a server or a client, JSON or YAML');

/** `mila config check|show|schema`: configuration files, without running anything. */
export function configCommand(): Command {
  const command = new Command('config').description(
    'check and show configuration files, without running anything',
  );
  command.addCommand(
    withFile(
      new Command('check').description('tell every fault of a configuration file and of the files it names'),
    )
      .option('--json', 'one JSON document: path, role, ok, faults, warnings')
      .option('--quiet', 'no warnings on standard error')
      .addHelpText(
        'after',
        '\nExit code 2 where a fault is found.\n\nExample:\n  mila config check server.json',
      )
      .action(check),
  );
  command.addCommand(
    withFile(new Command('show').description('show a configuration with its defaults filled in'))
      .option('--json', 'the whole document, to be used as a configuration itself')
      .option('--quiet', 'no warnings on standard error')
      .addHelpText('after', '\nExample:\n  mila config show server.json')
      .action(show),
  );
  command.addCommand(
    new Command('schema')
      .description('print the JSON Schema of a configuration file, for editors and other programs')
      .addArgument(new Argument('<side>', 'whose configuration').choices(['server', 'client']))
      .addHelpText('after', '\nExample:\n  mila config schema server > mila-server.schema.json')
      .action(schema),
  );
  return command;
}
