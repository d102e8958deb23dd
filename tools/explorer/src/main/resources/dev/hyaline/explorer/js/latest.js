/** Requests of which only the last matters, as while something is dragged. */

/**
 * A function that asks one thing at a time, and of those that come meanwhile only the last.
 *
 * @param ask gives the promise of an answer to a request
 * @param done told each answer and its request
 * @param failed told each problem
 */
export function latest(ask, done, failed) {
  let next = null;
  let busy = false;
  return async request => {
    next = {request};
    if (busy) {
      return;
    }
    busy = true;
    while (next !== null) {
      const current = next.request;
      next = null;
      try {
        done(await ask(current), current);
      } catch (problem) {
        failed(problem);
      }
    }
    busy = false;
  };
}
