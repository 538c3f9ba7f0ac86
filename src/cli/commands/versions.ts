import { Command } from 'commander';
import { printable, shortened } from '../../printable.ts';
import { askMount } from '../../sync/mount/ask-mount.ts';
import { BOX_ANSWER_TIMEOUT_MS } from '../../sync/mount/control-socket.ts';
import type { RemoteVersion } from '../../sync/remote/remote-store.ts';
import type { RemoteFile } from '../../sync/tree/entry.ts';
import { textTable } from '../../text-table.ts';
import { placeOf } from '../mount-place.ts';
import { linesOf, processOutput } from '../output.ts';
import { type Paint, readableBytes, readableTime, resultPaint } from '../paint.ts';

interface VersionFlags {
  readonly dir?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
}

const DIR_OPTION = ['--dir <dir>', 'the mount directory (default: the one around the path)'] as const;
const PERSON_WIDTH = 14;

function documentOf({ id, sha1, sizeBytes, receivedAtMs, modifiedBy, current }: RemoteVersion) {
  return {
    version: id,
    current,
    sha1,
    size: sizeBytes,
    received_at: new Date(receivedAtMs).toISOString(),
    modified_by: modifiedBy === null ? null : { id: modifiedBy.id, name: modifiedBy.name },
  };
}

function tableOf(versions: readonly RemoteVersion[], paint: Paint): string {
  return textTable({
    head: ['version', 'received', 'by', 'size', ''],
    rows: versions.map(({ id, sizeBytes, receivedAtMs, modifiedBy, current }) => [
      id,
      readableTime(receivedAtMs),
      shortened(printable(modifiedBy?.name ?? '-'), PERSON_WIDTH),
      readableBytes(sizeBytes),
      current ? paint('green', 'current') : '',
    ]),
    colour: false,
  });
}

async function history(path: string, flags: VersionFlags): Promise<void> {
  const output = processOutput(flags);
  const { layout, names } = await placeOf(path, flags.dir);
  const request = { command: 'history' as const, path: names.join('/') };
  const answer = await askMount(layout, request, BOX_ANSWER_TIMEOUT_MS);
  // What answers is this same program; its answer needs no second description here.
  const versions = answer as readonly RemoteVersion[];
  if (output.json) output.document(versions.map(documentOf));
  else output.result(linesOf(tableOf(versions, resultPaint(flags))));
}

async function restore(path: string, flags: VersionFlags & { readonly setVersion: string }): Promise<void> {
  const output = processOutput(flags);
  const { layout, names } = await placeOf(path, flags.dir);
  const request = { command: 'restore' as const, path: names.join('/'), version: flags.setVersion };
  const answer = await askMount(layout, request, BOX_ANSWER_TIMEOUT_MS);
  const { name, versionId, content } = answer as RemoteFile;
  // Box gives the file back the name that it had then.
  const renamed = name !== names.at(-1);
  const stands = [...names.slice(0, -1), name].join('/');
  if (output.json) {
    const before = renamed ? { renamed_from: request.path } : {};
    output.document({ path: stands, ...before, version: versionId, sha1: content.sha1 });
    return;
  }
  const was = renamed ? `, and has the name of that version again: it was ${printable(request.path)}` : '';
  output.note(`${printable(stands)} stands at version ${versionId} now${was}`);
}

/** `history`, `restore`. */
export function versionCommands(): readonly Command[] {
  return [
    new Command('history')
      .description("Box's versions of a file, the newest first")
      .argument('<path>', 'a file in the mount directory, or from the mirrored folder down')
      .option(...DIR_OPTION)
      .option('--json', 'one JSON array: version, current, sha1, size, received_at, modified_by')
      .option('--no-color', 'no colours')
      .addHelpText('after', '\nExample:\n  mila-sync history data/box/server/shared/runs/cfg.json')
      .action(history),
    new Command('restore')
      .description(
        'make an old version of a file current, under the name that it had, in Box and on every mount; the present one stays in its history',
      )
      .argument('<path>', 'a file in the mount directory, or from the mirrored folder down')
      .requiredOption('--version <v>', 'the version, as `history` lists it')
      .option(...DIR_OPTION)
      .option('--json', 'the outcome as JSON: path, renamed_from if the name changed, version, sha1')
      .option('--quiet', 'no notes')
      .option('--no-color', 'no colours')
      .addHelpText('after', '\nExample:\n  mila-sync restore cfg.json --version 9500000012')
      .action((path: string, flags: VersionFlags & { readonly version: string }) =>
        restore(path, { ...flags, setVersion: flags.version }),
      ),
  ];
}
