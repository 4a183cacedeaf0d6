import { Command } from 'commander';
import { evalContextCommand } from './eval-context.ts';
import { evalEvictionCommand } from './eval-eviction.ts';

/** `economizer eval`: one command a question. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('Measures on your own data how well a part of Economizer decides.')
    .addCommand(evalContextCommand())
    .addCommand(evalEvictionCommand());
}
