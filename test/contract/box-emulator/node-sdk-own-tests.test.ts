import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

// The package of box-node-sdk holds the tests that its makers run against Box. They are run here as they are, against
// the emulator, for every part of the SDK that the emulator claims.

const root = resolve(import.meta.dirname, '../../..');
const FILES = [
  ...[
    'auth',
    'chunkedUploads',
    'client',
    'downloads',
    'events',
    'fileVersions',
    'files',
    'folders',
    'groups',
  ],
  ...['listCollaborations', 'memberships', 'trashedFiles', 'trashedFolders', 'trashedItems'],
  ...['trashedWebLinks', 'uploads', 'userCollaborations', 'users', 'weblinks'],
];

/** What the emulator does not claim, and why. */
const NOT_CLAIMED: Readonly<Record<string, string>> = {
  testGetFileThumbnailUrl: 'thumbnails',
  testGetFileThumbnail: 'thumbnails',
  testEventUpload: "the enterprise's event streams",
  testEventDeleteUser: "the enterprise's event streams",
  testGetEventsWithDateFilters: "the enterprise's event streams",
  testExternalUserCollaborations: 'collaborators outside the enterprise',
  test_createGetDeleteWeblink: 'shared links',
  test_get_download_url: 'TLS: the address must begin with https',
};

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

describe('the own tests of box-node-sdk 10.12.0', () => {
  let folder: string;
  let rig: Rig;
  let outcomes: readonly { readonly title: string; readonly status: string }[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'emulator-node-sdk-'));
    rig = await Rig.open();
    await rig.control('POST', '/app', { clientCredentials: true, reauthorise: true });
    const { id } = await rig.appUser('of the tests');
    outcomes = await runOwnTests(rig, id, folder);
  }, 240_000);
  afterAll(async () => {
    await rig.close();
    await rm(folder, { recursive: true, force: true });
  });

  const titlesOf = (status: string) =>
    outcomes.filter((each) => each.status === status).map(({ title }) => title);

  it('pass, but for those of what is not claimed', () => {
    expect(titlesOf('failed').sort()).toEqual(Object.keys(NOT_CLAIMED).sort());
    expect(titlesOf('passed').length + titlesOf('failed').length).toBe(outcomes.length);
  });

  it('are as many as the documentation says', async () => {
    const page = await readFile(join(root, 'docs/emulator.md'), 'utf8');
    const [passed, failed] = [titlesOf('passed').length, titlesOf('failed').length];
    expect(page).toMatch(new RegExp(`box-node-sdk 10\\.12\\.0 \\|[^|]*\\| ${passed} \\| 0 \\| ${failed}`));
    for (const title of Object.keys(NOT_CLAIMED)) expect(page).toContain(title);
  });
});

async function runOwnTests(rig: Rig, userId: string, folder: string) {
  const { configuration } = rig.running;
  const { boxAppSettings, enterpriseID } = configuration;
  const report = join(folder, 'report.json');
  const config = join(root, 'test/support/box-node-sdk.vitest.ts');
  const args = ['run', '--config', config, '--reporter=json', `--outputFile=${report}`];
  // Tests that fail give a status of their own; what failed stands in the report.
  await new Promise<void>((ended) => {
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      NO_PROXY: '127.0.0.1',
      BOX_EMULATOR: rig.url,
      BOX_SDK_OUTPUT: folder,
      BOX_SDK_TESTS: FILES.join(','),
      CLIENT_ID: boxAppSettings.clientID,
      CLIENT_SECRET: boxAppSettings.clientSecret,
      ENTERPRISE_ID: enterpriseID,
      USER_ID: userId,
      JWT_CONFIG_BASE_64: Buffer.from(JSON.stringify(configuration)).toString('base64'),
    };
    const bin = join(root, 'node_modules/.bin/vitest');
    execFile(bin, args, { cwd: root, env, timeout: 230_000 }, () => ended());
  });
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report;
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}
