const stepMs = 5;

/**
 * Waits for what others do in their own time.
 * @param ms until it gives up: far more than it takes, since the machine may be busy with other tests.
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  ms = 15_000,
  what = 'what was waited for did not come',
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(what);
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}
