#!/usr/bin/env node
import { MILA_SYNC_COMMANDS } from './mila-sync-commands.ts';
import { commandsFor, createProgram, runProgram } from './program.ts';

const purpose = 'mirror a shared Box folder into a working directory, both ways';
await runProgram(createProgram('mila-sync', purpose, await commandsFor(process.argv, MILA_SYNC_COMMANDS)));
