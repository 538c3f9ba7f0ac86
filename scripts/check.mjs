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
const { status } = spawnSync(bin('vitest'), args, { cwd: root, stdio: 'inherit' });
let counts = '0 passed, 1 failed';
try {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = status === 0 ? numFailedTests : Math.max(1, numFailedTests);
  counts = `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`;
} finally {
  rmSync(folder, { recursive: true, force: true });
  console.log(counts);
}
process.exit(status ?? 1);
