import { emulatorCommand } from '../../../src/cli/commands/emulator.ts';
import { createProgram, runProgram } from '../../../src/cli/program.ts';

// The command as the program has it, for tests that start and stop it.
await runProgram(createProgram('mila-sync', 'test', [emulatorCommand()]));
