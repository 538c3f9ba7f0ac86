#!/usr/bin/env node
import { commandsFor, createProgram, runProgram } from './program.ts';
import { MILA } from './programs.ts';

const { name, purpose, sources } = MILA;
await runProgram(createProgram(name, purpose, await commandsFor(process.argv, sources, name)));
