import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aggregateCommand } from '../../../src/cli/commands/aggregate.ts';
import { certificatesCommand } from '../../../src/cli/commands/certificates.ts';
import { inspectCommand } from '../../../src/cli/commands/inspect.ts';
import { serverCommand } from '../../../src/cli/commands/server.ts';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { openRecorder } from '../../../src/cli/recording-option.ts';
import { systemClock } from '../../../src/clock.ts';
import { silentLogger } from '../../../src/logger.ts';
import { refusalOf } from '../../support/command-refusal.ts';

const FILES = new URL('../../../fixtures/checkpoints/files/', import.meta.url).pathname;

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-own-file-'));
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Exit code 4, and nothing happened to the file. */
async function expectKept(path: string, command: () => Promise<unknown>): Promise<void> {
  const before = readFileSync(path);
  const refused = await command();
  expect(exitCodeOf(refused)).toBe(4);
  expect(refused).toMatchObject({ code: 'foreign-file', hint: expect.stringMatching(/name|directory/) });
  expect(readFileSync(path).equals(before)).toBe(true);
}

function madeRun(): string {
  mkdirSync(at('run/rounds/round_1'), { recursive: true });
  writeFileSync(at('run/cfg.json'), '{}');
  return at('run');
}

describe('a command never writes over a file that it did not write', () => {
  it.each(['{"name":"site_a"}', '<!doctype html><html><title>Thesis</title>', 'words', '\0\0'])(
    'inspect --html keeps %j',
    async (content) => {
      writeFileSync(at('page.html'), content);
      await expectKept(at('page.html'), () =>
        refusalOf(inspectCommand(), madeRun(), '--html', at('page.html')),
      );
    },
  );

  it('inspect --html writes its own page again', async () => {
    for (let time = 0; time < 2; time += 1)
      expect(await refusalOf(inspectCommand(), madeRun(), '--html', at('page.html'))).toBeUndefined();
    expect(readFileSync(at('page.html'), 'utf8')).toContain('Federated run');
  });

  const aggregate = (output: string, ...inputs: readonly string[]) =>
    refusalOf(aggregateCommand(), '-o', output, '--quiet', ...inputs);

  it.each(['bn_state_dict.pt', 'legacy.pt', 'handmade_ok.pt', 'torch2_layout.pt'])(
    'aggregate --output keeps a checkpoint that PyTorch wrote: %s',
    async (name) => {
      copyFileSync(join(FILES, name), at('best.pt'));
      copyFileSync(join(FILES, 'handmade_ok.pt'), at('a.pt'));
      await expectKept(at('best.pt'), () => aggregate(at('best.pt'), at('a.pt')));
    },
  );

  it('aggregate --output keeps what it combines, by whatever name', async () => {
    copyFileSync(join(FILES, 'handmade_ok.pt'), at('a.pt'));
    expect(await aggregate(at('first.pt'), at('a.pt'))).toBeUndefined();
    symlinkSync(at('first.pt'), at('link.pt'));
    await expectKept(at('first.pt'), () => aggregate(at('first.pt'), at('first.pt'), at('a.pt')));
    await expectKept(at('first.pt'), () => aggregate(at('link.pt'), at('first.pt'), at('a.pt')));
  });

  it('aggregate --output writes its own aggregate again', async () => {
    copyFileSync(join(FILES, 'handmade_ok.pt'), at('a.pt'));
    for (let time = 0; time < 2; time += 1) expect(await aggregate(at('out.pt'), at('a.pt'))).toBeUndefined();
  });

  const recorder = (path: string) =>
    openRecorder({
      path,
      contentMaxBytes: undefined,
      layout: { directory: at('mount'), rootPath: ['shared', 'run'] },
      clock: systemClock(),
      logger: silentLogger,
    });

  it.each([
    ['a configuration', Buffer.from('{}')],
    ['another archive', gzipSync('thesis.tex')],
    ['another archive of lines', gzipSync('{"kind":"entry"}\n')],
  ])('mount --record keeps %s', async (_what, content) => {
    writeFileSync(at('session.gz'), content);
    await expectKept(at('session.gz'), () => recorder(at('session.gz')).catch((error: unknown) => error));
  });

  it('mount --record goes on with its own recording', async () => {
    for (let time = 0; time < 2; time += 1) await (await recorder(at('session.gz')))?.close();
  });

  it('server --log-file keeps a configuration, and goes on with a log', async () => {
    const configuration = JSON.stringify({
      server_type: 'mila.services.servers.BoxServer',
      task_configuration_file: at('no-task.json'),
      save_path: at('logs'),
      box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
    });
    writeFileSync(at('server.json'), configuration);
    const server = (log: string) =>
      refusalOf(serverCommand(), at('server.json'), '--dir', folder, '--log-file', log);
    await expectKept(at('server.json'), () => server(at('server.json')));
    writeFileSync(at('server.log'), '{"level":30,"time":"2026-01-01T00:00:00.000Z","msg":"earlier"}\n');
    expect(await server(at('server.log'))).not.toMatchObject({ code: 'foreign-file' });
  });

  const certificates = (...args: readonly string[]) =>
    refusalOf(certificatesCommand(), '-o', folder, ...args);

  it.each(['root', 'server', 'site_a'])('certificates keeps %s.key that stands alone', async (name) => {
    writeFileSync(at(`${name}.key`), 'PRIVATE KEY of another authority');
    await expectKept(at(`${name}.key`), () => certificates('--host', 'localhost', '--client', 'site_a'));
  });

  it('certificates --renew keeps what another root signed, and what is no certificate', async () => {
    mkdirSync(at('other'));
    await refusalOf(certificatesCommand(), '-o', at('other'), '--client', 'site_a');
    await certificates();
    for (const ending of ['crt', 'key']) copyFileSync(at(`other/site_a.${ending}`), at(`site_a.${ending}`));
    await expectKept(at('site_a.key'), () => certificates('--client', 'site_a', '--renew'));
    writeFileSync(at('site_a.crt'), 'a note');
    await expectKept(at('site_a.crt'), () => certificates('--client', 'site_a', '--renew'));
  });
});
