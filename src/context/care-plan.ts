import type { DialectName } from '../exchange/dialect.ts';
import type { ClientMarks } from './care/client-marks.ts';
import type { Place } from './care/breakpoints.ts';
import type { Comparison } from './compare.ts';
import type { Culprit } from './doctor/cause.ts';
import type { Habits } from './habits.ts';
import type { Form } from './care/normalise.ts';
import type { StaticPart, StaticUse } from './static-part.ts';
import type { CacheTerms } from './terms.ts';
import type { Held, Thread } from './thread.ts';

/** As much of a call as care and doctor look at. */
export interface CareRequest {
  readonly tenant: string;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  /** The provider's name in the configuration. */
  readonly provider: string;
  /** Its name in the price book. */
  readonly priceId: string;
  readonly model: string;
  readonly dialect: DialectName;
  readonly body: Buffer;
  /** Wall time, milliseconds since the epoch. */
  readonly at: number;
}

/** What parts of care did to a request. */
export interface Acted {
  /** The client itself wrote its tools or messages in another way than before, and they were put back. */
  readonly order: boolean;
  readonly repair: boolean;
  /** Marks of ours were added. */
  readonly marks: boolean;
  /** OpenAI was told not to write what will not be read. */
  readonly unwritten: boolean;
}

/** What leaves in a request's place, and what is expected of it. */
export interface CarePlan {
  readonly request: CareRequest;
  /** The bytes to forward; the client's own where there was nothing to do. */
  readonly body: Buffer;
  /** A short word for the trail. */
  readonly verdict: string;
  readonly acted: Acted;
  /** Lines that were moved behind the end, as they stand in the JSON text. */
  readonly lines: readonly string[];
  readonly terms: CacheTerms | undefined;
  readonly thread: Thread;
  /** Which of the thread's calls this is. */
  readonly call: number;
  readonly habits: Habits;
  readonly staticUse: StaticUse | undefined;
  readonly client: ClientMarks;
  readonly places: readonly Place[];
  readonly staticPart: StaticPart | undefined;
  /** What left, without marks. */
  readonly form: Form;
  /** Bytes of its prompt. */
  readonly bytes: number;
  /** What the request before it left behind; undefined for a first request. */
  readonly before: Before | undefined;
  /** What is known of the beginning of the conversation that it was compared with, where it is the first of its own. */
  readonly peer: StaticUse | undefined;
  /** The request begins with all that the one before it was. */
  readonly intact: boolean;
  /** What breaks the prefix of what leaves. */
  readonly culprit: Culprit | undefined;
}

/** A thread as the next request finds it. */
export interface Before {
  readonly at: number;
  readonly provider: string;
  readonly model: string;
  readonly tokens: number;
  readonly held: readonly Held[];
  /** It was read again since, to keep it. */
  readonly isWarmed: boolean;
  readonly comparison: Comparison;
}
