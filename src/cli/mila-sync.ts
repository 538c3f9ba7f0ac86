#!/usr/bin/env node
import { commandsFor, createProgram, runProgram } from './program.ts';
import { MILA_SYNC } from './programs.ts';

const { name, purpose, sources } = MILA_SYNC;
await runProgram(createProgram(name, purpose, await commandsFor(process.argv, sources, name)));
