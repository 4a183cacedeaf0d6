/** For tests of drivers and of programs that use Economizer: conformance suites, a clock that is moved by hand, a fake provider. */
export { budgetStoreConformance } from './budget/conformance.ts';
export { cacheTierConformance } from './cache/conformance.ts';
export { readTierConformance } from './cache/read-conformance.ts';
export { keyStoreConformance } from './access/conformance.ts';
export type { KeyStore } from './access/store.ts';
export { ledgerStoreConformance } from './ledger/conformance.ts';
export { seededRandom } from './kernel/random.ts';
export { SimulatedClock } from './kernel/simulated-clock.ts';
export type { BudgetStore } from './budget/store.ts';
export type { CacheEntry, CacheTier, TierStats } from './cache/tier.ts';
export type { LedgerStore } from './ledger/store.ts';
export { startFakeProvider } from './testing/fake-provider.ts';
export type { FakeProvider, FakeProviderOptions } from './testing/fake-provider.ts';
