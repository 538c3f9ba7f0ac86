// Every check a change must pass, in the order in which they are quick: types, style, import laws, tests.
// Prints the test runner's counts as the last line: "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const only = process.argv.slice(2);
/** Far more than the tests take: whoever waits for a test that never ends waits no longer. Units: milliseconds. */
const TESTS_TIMEOUT_MS = 45 * 60_000;

const checks = [
  ['types', bin('tsc'), ['-p', 'tsconfig.check.json']],
  ['style', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['import laws', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src']],
];
for (const [name, command, args] of only.length > 0 ? [] : checks) {
  console.log(`> ${name}`);
  if (spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status !== 0) {
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'mila-check-'));
const report = join(folder, 'report.json');
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...only];
const { status, error } = spawnSync(bin('vitest'), args, {
  cwd: root,
  stdio: 'inherit',
  timeout: TESTS_TIMEOUT_MS,
  killSignal: 'SIGKILL',
});
if (error?.code === 'ETIMEDOUT')
  console.log(
    `the tests did not end within ${TESTS_TIMEOUT_MS / 60_000} minutes: one of those that are not named above hangs`,
  );
let counts = '0 passed, 1 failed';
try {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = status === 0 ? numFailedTests : Math.max(1, numFailedTests);
  counts = `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`;
} catch {
  // Without a report nothing is known of what passed.
} finally {
  rmSync(folder, { recursive: true, force: true });
  console.log(counts);
}
process.exit(status ?? 1);
