import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['aggregation', 'box-emulator', 'checkpoint', 'errors', 'sync'] as const;
type Part = (typeof PARTS)[number];

/** What each part offers, types included. Whoever takes one away breaks somebody's program. */
const PUBLIC: Readonly<Record<Part, readonly string[]>> = {
  aggregation: [
    'AggregationInput',
    'AggregationOptions',
    'AggregationReport',
    'Aggregator',
    'AggregatorDependencies',
    'CheckedContent',
    'LogFields',
    'Logger',
    'Metrics',
    'ParticipantId',
    'RefusedUpdate',
    'createAggregator',
    'participantId',
  ],
  'box-emulator': [
    'BoxKeyFile',
    'EmulatorOptions',
    'LogFields',
    'Logger',
    'RunningEmulator',
    'SettingValues',
    'startEmulator',
  ],
  checkpoint: [
    'CheckpointLimits',
    'CheckpointOptions',
    'CheckpointSummary',
    'DEFAULT_LIMITS',
    'Dtype',
    'StateDict',
    'Tensor',
    'inspectCheckpoint',
    'readStateDict',
    'writeStateDict',
  ],
  errors: [
    'AuthError',
    'ConfigError',
    'CorruptError',
    'ErrorData',
    'FullError',
    'InterruptedError',
    'InvariantError',
    'MilaError',
    'RejectedError',
    'RoundError',
    'StaleError',
    'StateError',
    'TransientError',
  ],
  sync: [
    'BandwidthLimits',
    'BoxConfiguration',
    'BoxIdentity',
    'BoxOptions',
    'ChangeHint',
    'ChangePage',
    'Content',
    'DownloadRequest',
    'EngineState',
    'EntryKind',
    'LogFields',
    'Logger',
    'MirrorOptions',
    'MountStatus',
    'NewFile',
    'NewVersion',
    'Relocation',
    'RemoteCall',
    'RemoteCallLedger',
    'RemoteEntry',
    'RemoteFile',
    'RemoteFolder',
    'RemoteId',
    'RemoteStore',
    'RemoteUser',
    'RemoteVersion',
    'Removal',
    'RunningMirror',
    'TransferOptions',
    'UploadResumption',
    'UploadSource',
    'Visibility',
    'boxStore',
    'mirror',
    'parseBoxConfiguration',
    'readBoxConfiguration',
    'remoteId',
  ],
};

const page = (part: Part) => readFileSync(join(ROOT, 'docs', 'library', `${part}.md`), 'utf8');
const block = (part: Part, language: string) =>
  new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(page(part))?.[1] ?? '';

/** Names that a part's module exports, as its source lists them. */
function exportedBy(part: Part): readonly string[] {
  const source = readFileSync(join(ROOT, 'src', 'library', `${part}.ts`), 'utf8');
  return [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gmu)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.replace('type ', '').trim())
    .filter((name) => name !== '')
    .sort();
}

/** A project beside this one in which the package is installed. */
let project = '';
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'library-'));
  await mkdir(join(project, 'node_modules', '@types'), { recursive: true });
  symlinkSync(ROOT, join(project, 'node_modules', 'mila-sync'));
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'));
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe.each(PARTS)('mila-sync/%s', (part) => {
  it('offers exactly its public list', () => {
    expect(exportedBy(part)).toEqual(PUBLIC[part]);
  });

  it('does what its page says', async () => {
    const folder = join(project, part);
    await mkdir(folder);
    writeFileSync(join(folder, 'example.js'), block(part, 'js'));
    const told = execFileSync(process.execPath, ['example.js'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(told).toBe(block(part, 'text'));
  });
});

it('has types that another project can use, checked whole', () => {
  for (const part of PARTS) writeFileSync(join(project, `${part}.ts`), typed(block(part, 'js')));
  const options = { strict: true, noEmit: true, module: 'nodenext', target: 'es2023', types: ['node'] };
  const compilerOptions = { ...options, skipLibCheck: false, exactOptionalPropertyTypes: true };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  expect(stdout).toBe('');
});

it('cannot be reached into', () => {
  const reach = "await import('mila-sync/dist/library/checkpoint.js')";
  expect(() => execFileSync(process.execPath, ['-e', reach], { cwd: project, stdio: 'pipe' })).toThrow(
    /ERR_PACKAGE_PATH_NOT_EXPORTED/,
  );
});

/** An example with what TypeScript cannot know by itself. */
function typed(example: string): string {
  return example
    .replace('(value) =>', '(value: number) =>')
    .replace("dtype: 'float32'", "dtype: 'float32' as const")
    .replace('let arrived;', 'let arrived: string | undefined;');
}
