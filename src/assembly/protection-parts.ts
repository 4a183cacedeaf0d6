import { join } from 'node:path';
import { Alerter } from '../budget/alerts/alerter.ts';
import { Courier } from '../budget/alerts/courier.ts';
import type { AlertSink } from '../budget/alerts/alert.ts';
import type { Outgoing } from '../budget/alerts/outgoing.ts';
import { keyOf } from '../budget/alerts/signature.ts';
import { signalSink, slackSink, webhookSink } from '../budget/alerts/sinks.ts';
import { PaceTable } from '../budget/forecast.ts';
import { cheaperOf } from '../budget/ladder/cheaper-models.ts';
import type { DecisionJournal } from '../budget/ladder/decisions.ts';
import { EmergencySwitch } from '../budget/ladder/emergency.ts';
import { createJournalFile } from '../budget/ladder/journal-file.ts';
import { kinOf } from '../budget/ladder/kinship.ts';
import { Ladder } from '../budget/ladder/ladder.ts';
import { Protection } from '../budget/ladder/protection.ts';
import { SessionCalls } from '../budget/runaway/session-calls.ts';
import { LoopWatch } from '../budget/runaway/watch.ts';
import { createMemoryBudgetStore } from '../budget/stores/memory.ts';
import type { BudgetParts } from './budget-parts.ts';
import { easing } from '../cache/eased-policy.ts';
import type { Config } from '../config/config.ts';
import { budgetDesk } from './budget-desk.ts';
import type { BudgetDesk } from '../budget/desk.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { PriceBook } from '../ledger/price-book.ts';
import type { Clock } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { seededRandom } from '../kernel/random.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Gate } from '../pipeline/admit.ts';
import { createGuard } from '../pipeline/guard.ts';
import type { PipelineParts } from '../pipeline/stages.ts';
import { createPoster } from '../upstream/post.ts';

/** The budgets as protection needs them. */
type Budgets = Pick<BudgetParts, 'walls' | 'store'>;

export interface ProtectionAssembly extends Pick<PipelineParts, 'protection' | 'easedPolicy'> {
  readonly gates: readonly Gate[];
  /** Undefined where no budget is configured. */
  readonly budgetDesk: BudgetDesk | undefined;
  close(): Promise<void>;
}

interface Options {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Undefined where no budget is configured. */
  readonly budgets: Budgets | undefined;
  readonly ledger: Pick<Ledger, 'recent'> | undefined;
  readonly priceBook: PriceBook;
}

/** Alerts, the protection ladder, the emergency switch and the care for agents that run away. */
export function assembleProtection(options: Options): ProtectionAssembly {
  const { config, signals, budgets } = options;
  const pace = new PaceTable();
  const journal =
    budgets === undefined
      ? undefined
      : createJournalFile({ path: join(config.dataDirectory, 'decisions.jsonl'), signals });
  const alerts = budgets && journal && openAlerts(options, budgets, { pace, journal });
  const steering = budgets && journal && openLadder(options, budgets, journal);
  return {
    gates: gatesOf(options, journal),
    protection: steering && {
      protection: steering.protection,
      cheaper: cheaperOf(config.protection.cheaperModels.map),
    },
    easedPolicy: steering && easing(config.protection.cacheMore),
    budgetDesk:
      steering &&
      journal &&
      budgets &&
      budgetDesk({
        ...options,
        store: budgets.store,
        standings: () => budgets.walls.standings(),
        rungs: steering.ladder && (() => steering.ladder!.rungs),
        pace,
        decisions: (count) => journal.recent(count),
        rows: async (limit) => options.ledger?.recent(limit),
      }),
    async close() {
      await Promise.all([steering?.ladder?.close(), steering?.emergency.close()]);
      await alerts?.close();
      await journal?.close();
    },
  };
}

function gatesOf({ config, clock, signals, budgets }: Options, journal?: DecisionJournal): Gate[] {
  const { warnAfter, refuseAfter, callsPerSession } = config.runaway;
  const loops =
    warnAfter === undefined
      ? undefined
      : new LoopWatch({ policy: { warnAfter, refuseAfter }, journal, clock, signals });
  const sessionCalls =
    callsPerSession === undefined
      ? undefined
      : new SessionCalls({
          limit: callsPerSession,
          // Without a budget there is no store that gateways share; each counts for itself then.
          store: budgets?.store ?? createMemoryBudgetStore({ clock, owner: newId(clock.now()) }),
          clock,
          signals,
        });
  if (loops === undefined && sessionCalls === undefined) return [];
  return [createGuard({ loops, sessionCalls, clock })];
}

interface Notebooks {
  readonly pace: PaceTable;
  readonly journal: DecisionJournal;
}

function openAlerts(
  { config, clock, signals }: Options,
  budgets: Budgets,
  { pace, journal }: Notebooks,
): { close(): Promise<void> } {
  const { alerts } = config;
  const { store } = budgets;
  const poster = createPoster();
  const sinks = sinksOf(config, { signals, clock, outgoing: poster });
  const random = seededRandom(clock.now());
  const courier = new Courier({ store, sinks, clock, random, signals, giveUpMs: alerts.giveUpMs });
  const alerter = new Alerter({
    thresholds: (budget) => alerts.budgets[budget] ?? alerts.thresholds,
    pace,
    clock,
    send: (alert, passed) => courier.send(alert, passed),
  });
  signals.on('budget-alert', ({ budget, value, window, threshold }) =>
    journal.record({ kind: 'alert', at: clock.now(), budget, value, window, threshold }),
  );
  budgets.walls.listen((standing) => alerter.hear(standing));
  return {
    async close() {
      await courier.close();
      await poster.close();
    },
  };
}

function sinksOf(
  { alerts }: Config,
  parts: { readonly signals: Signals; readonly clock: Clock; readonly outgoing: Outgoing },
): readonly AlertSink[] {
  return [
    signalSink(parts.signals),
    ...alerts.webhooks.map(({ url, secrets }) =>
      webhookSink({ ...parts, url, keys: secrets.flatMap((secret) => keyOf(secret) ?? []) }),
    ),
    ...alerts.slack.map((url) => slackSink({ url, outgoing: parts.outgoing })),
  ];
}

/** The emergency switch is there even where the ladder is off: it is pulled by people, not by spend. */
function openLadder(
  { config, clock, signals }: Options,
  budgets: Budgets,
  journal: DecisionJournal,
): {
  readonly protection: Protection;
  readonly ladder: Ladder | undefined;
  readonly emergency: EmergencySwitch;
} {
  const { protection } = config;
  const { walls, store } = budgets;
  const { levels, margin, essential, deferrable } = protection;
  const emergency = new EmergencySwitch({ store, levels, journal, clock, signals });
  void emergency.poll();
  let ladder: Ladder | undefined;
  if (protection.enabled) {
    ladder = new Ladder({
      policy: { levels, margin },
      budgets: walls,
      store,
      journal,
      clock,
      signals,
    });
    budgets.walls.listen((standing) => ladder!.hear(standing));
    void ladder.start();
  }
  return {
    protection: new Protection({
      pressers: ladder === undefined ? [emergency] : [ladder, emergency],
      essential: kinOf(essential),
      deferrable: deferrable === undefined ? undefined : kinOf(deferrable),
      cheaperForEssential: protection.cheaperModels.essential,
      concurrentCalls: protection.concurrentCalls,
      clock,
    }),
    ladder,
    emergency,
  };
}
