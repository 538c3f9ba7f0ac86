#!/usr/bin/env node
import { controlCommands } from './commands/control.ts';
import { emulatorCommand } from './commands/emulator.ts';
import { inspectCommand } from './commands/inspect.ts';
import { mountCommand } from './commands/mount.ts';
import { replayCommand } from './commands/replay.ts';
import { statusCommand } from './commands/status.ts';
import { createProgram, runProgram } from './program.ts';

await runProgram(
  createProgram('mila-sync', 'mirror a shared Box folder into a working directory, both ways', [
    mountCommand(),
    statusCommand(),
    ...controlCommands(),
    inspectCommand(),
    replayCommand(),
    emulatorCommand(),
  ]),
);
