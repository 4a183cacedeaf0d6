import { Cancellation } from '../../kernel/cancellation.ts';
import { EconomizerError } from '../../kernel/errors.ts';

interface Flight<Landed> {
  readonly promise: Promise<Landed>;
  readonly cancellation: Cancellation;
  readers: number;
}

/** What a caller got out of a flight. */
export interface Ride<Landed> {
  readonly landed: Landed;
  /** It was this caller's own. */
  readonly led: boolean;
}

/** Identical calls under way: the first makes the call, all get what it brought. It is cancelled when the last of them has left. */
export class ToolFlights<Landed> {
  readonly #flights = new Map<string, Flight<Landed>>();

  get size(): number {
    return this.#flights.size;
  }

  /**
   * Rides along with the call under this name, or makes it.
   * @param leaving cancelled when this caller wants nothing any more.
   * @throws what the call throws; the reason of `leaving`. A call that was broken off with its own caller's leave is made again for the others.
   */
  async ride(
    name: string,
    act: (cancellation: Cancellation) => Promise<Landed>,
    leaving?: Cancellation,
  ): Promise<Ride<Landed>> {
    for (;;) {
      const present = this.#flights.get(name);
      const flight = present ?? this.#begin(name, act);
      flight.readers++;
      try {
        return { landed: await this.#wait(flight, leaving), led: present === undefined };
      } catch (error) {
        if (present === undefined || leaving?.reason !== undefined || !isBreakOff(error))
          throw error;
      } finally {
        flight.readers--;
      }
    }
  }

  #begin(name: string, act: (cancellation: Cancellation) => Promise<Landed>): Flight<Landed> {
    const cancellation = new Cancellation();
    const promise = act(cancellation).finally(() => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    });
    const flight: Flight<Landed> = { promise, cancellation, readers: 0 };
    // Whoever still waits hears of a failure; when nobody does, nobody need.
    promise.catch(() => {});
    this.#flights.set(name, flight);
    return flight;
  }

  #wait(flight: Flight<Landed>, leaving: Cancellation | undefined): Promise<Landed> {
    if (leaving === undefined) return flight.promise;
    return new Promise((resolve, reject) => {
      const stay = leaving.onCancel((reason) => {
        if (flight.readers <= 1) flight.cancellation.cancel(reason);
        reject(reason);
      });
      flight.promise.finally(stay).then(resolve, reject);
    });
  }
}

/** The call ended since somebody left, which says nothing of the call. */
function isBreakOff(error: unknown): boolean {
  if (EconomizerError.is(error)) return error.kind === 'cancelled';
  return error instanceof Error && error.name === 'AbortError';
}
