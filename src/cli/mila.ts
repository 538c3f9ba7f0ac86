#!/usr/bin/env node
import { commandsFor, createProgram, runToTheEnd } from './program.ts';
import { MILA } from './programs.ts';

const { name, purpose, sources } = MILA;
await runToTheEnd(createProgram(name, purpose, await commandsFor(process.argv, sources, name)));
