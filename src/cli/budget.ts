import { Command, InvalidArgumentError } from 'commander';
import { emergencyJson, overviewJson, savingJson } from '../budget/overview-json.ts';
import type { BudgetDesk, BudgetOverview } from '../budget/desk.ts';
import { parseDuration } from '../kernel/duration.ts';
import { withBudgetDesk, type DeskFlags } from './budget-desk.ts';
import { emergencyText, overviewText, savingText } from './budget-table.ts';
import { print, printJson } from './output.ts';

/** Exit code of `status --check` where a level of the ladder is reached or the switch is on. */
const pressedCode = 3;

interface StatusFlags extends DeskFlags {
  readonly json?: boolean;
  readonly check?: boolean;
}

interface EmergencyFlags extends DeskFlags {
  readonly json?: boolean;
  readonly scope?: string;
  readonly level?: number;
  readonly for?: number;
}

/** `economizer budget`. Works beside running gateways, on the store that they share. */
export function budgetCommand(): Command {
  return new Command('budget')
    .description('Shows how budgets stand, and pulls the emergency switch.')
    .addCommand(statusCommand())
    .addCommand(emergencyCommand());
}

function statusCommand(): Command {
  return common(new Command('status'))
    .description(
      'Shows every budget: what is spent, held and left, how long it will last, and what is done about it.',
    )
    .option('--check', `exit with ${pressedCode} where a level is reached or the switch is on`)
    .action((flags: StatusFlags) =>
      withBudgetDesk(flags, async (desk) => {
        const overview = await desk.overview();
        if (flags.json === true) printJson(overviewJson(overview));
        else print(overviewText(overview));
        if (flags.check === true && isPressed(overview)) process.exitCode = pressedCode;
      }),
    );
}

function emergencyCommand(): Command {
  const on = common(new Command('on'))
    .description(
      'Forces the ladder to a level, for all gateways within seconds; essential agents go on.',
    )
    .option(
      '--scope <scope>',
      'whose calls, such as agent=crawler or tenant=acme,tag=nightly',
      'everything',
    )
    .option('--level <level>', 'level of the ladder (default: the highest)', level)
    .option('--for <duration>', 'how long, such as 2h (default: until it is switched off)', span)
    .action((flags: EmergencyFlags) => withBudgetDesk(flags, (desk) => pull(desk, flags)));
  const off = common(new Command('off'))
    .description('Switches it off again.')
    .option('--scope <scope>', 'as it was switched on', 'everything')
    .action((flags: EmergencyFlags) => withBudgetDesk(flags, (desk) => release(desk, flags)));
  return new Command('emergency')
    .description('The emergency switch.')
    .addCommand(on)
    .addCommand(off);
}

function common(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
    .option('--json', 'print one JSON object');
}

async function pull(desk: BudgetDesk, flags: EmergencyFlags): Promise<void> {
  const { scope, level, for: forMs } = flags;
  const emergency = await desk.switchOn({ scope, level, forMs, by: 'command line' });
  const saving = await desk.saving();
  if (flags.json === true) {
    printJson({
      emergency: emergencyJson(emergency),
      saving: saving === undefined ? null : savingJson(saving),
    });
    return;
  }
  print(emergencyText(emergency));
  if (saving !== undefined) print(savingText(saving));
}

async function release(desk: BudgetDesk, { scope, json }: EmergencyFlags): Promise<void> {
  const wasOn = await desk.switchOff(scope);
  if (json === true) printJson({ was_on: wasOn });
  else print(wasOn ? `The emergency switch for ${scope} is off.` : `It was not on for ${scope}.`);
  if (!wasOn) process.exitCode = 1;
}

function isPressed({ budgets, emergencies }: BudgetOverview): boolean {
  return emergencies.length > 0 || budgets.some(({ level }) => level > 0);
}

function level(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}

function span(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('It must be a duration such as 30m or 2h.');
}
