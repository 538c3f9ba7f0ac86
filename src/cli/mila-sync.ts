#!/usr/bin/env node
import { commandsFor, createProgram, runToTheEnd } from './program.ts';
import { MILA_SYNC } from './programs.ts';

const { name, purpose, sources } = MILA_SYNC;
await runToTheEnd(createProgram(name, purpose, await commandsFor(process.argv, sources, name)));
