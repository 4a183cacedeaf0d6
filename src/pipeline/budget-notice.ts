import type { Touched } from '../budget/plan.ts';
import type { Walls } from '../budget/walls.ts';
import type { BudgetPart } from '../exchange/account.ts';
import type { Call } from '../exchange/call.ts';

/** Shared by all attempts of a call. */
export function partOf({ account }: Call): BudgetPart {
  return (account.budget ??= {
    attempts: 0,
    charged: 0,
    tightest: undefined,
    outputCap: undefined,
    counting: undefined,
    due: [],
  });
}

/** Takes note of what callers are told. */
export function announce(part: BudgetPart, walls: Walls, touched: readonly Touched[]): void {
  const tightest = walls.tightest(touched);
  if (tightest === undefined) return;
  const { budget, limit, window } = tightest.touched;
  part.tightest = { id: budget.id, left: tightest.left, limit, endsAt: window.endsAt };
}

/** The call's row is booked: settles what waited for it. */
export function payDue({ account }: Call): void {
  const { budget } = account;
  const due = budget?.due;
  if (due === undefined) return;
  budget!.due = undefined;
  for (const pay of due) pay();
}
