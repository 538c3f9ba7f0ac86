#!/usr/bin/env node
import { conflictsCommand } from './commands/conflicts.ts';
import { controlCommands } from './commands/control.ts';
import { doctorCommand } from './commands/doctor.ts';
import { emulatorCommand } from './commands/emulator.ts';
import { fileCommands } from './commands/files.ts';
import { inspectCommand } from './commands/inspect.ts';
import { logCommand } from './commands/log.ts';
import { lsCommand } from './commands/ls.ts';
import { mountCommand } from './commands/mount.ts';
import { replayCommand } from './commands/replay.ts';
import { setupCommand } from './commands/setup.ts';
import { statusCommand } from './commands/status.ts';
import { verifyCommand } from './commands/verify.ts';
import { versionCommands } from './commands/versions.ts';
import { createProgram, runProgram } from './program.ts';

await runProgram(
  createProgram('mila-sync', 'mirror a shared Box folder into a working directory, both ways', [
    mountCommand(),
    statusCommand(),
    ...controlCommands(),
    lsCommand(),
    ...fileCommands(),
    ...versionCommands(),
    conflictsCommand(),
    logCommand(),
    verifyCommand(),
    inspectCommand(),
    replayCommand(),
    doctorCommand(),
    setupCommand(),
    emulatorCommand(),
  ]),
);
