/** Runs of the model that take long: each with its progress, a button that cancels it, and its result kept for a while. */

import {button, element} from "./dom.js";

/** Results that are kept, so that one comes back to them without another run. */
const KEPT = 6;

/** Jobs by what was asked for, those that go on and the latest that ended. */
const jobs = new Map();

class Job {
  constructor(live, request) {
    this.step = {done: 0, total: 0};
    this.told = new Set();
    this.cancelled = false;
    this.live = live;
    this.result = live.sweep(request, step => {
      const begins = this.step.job === undefined;
      this.step = step;
      if (begins && this.cancelled) {
        live.cancel(step.job);
      }
      this.told.forEach(listener => listener(step));
    });
  }

  /** Also before the server has given the job its number. */
  cancel() {
    this.cancelled = true;
    if (this.step.job !== undefined) {
      this.live.cancel(this.step.job);
    }
  }
}

const keyOf = (live, request) => JSON.stringify({...live.prompt(), ...request});

/** Whether a request's job goes on, or has a result that is kept. */
export const isBegun = (live, request) => jobs.has(keyOf(live, request));

/** The job of a request, which is begun if there is none. */
function jobOf(live, request) {
  const key = keyOf(live, request);
  const job = jobs.get(key) ?? new Job(live, request);
  jobs.delete(key);
  jobs.set(key, job);
  job.result.catch(() => jobs.delete(key));
  while (jobs.size > KEPT) {
    jobs.delete(jobs.keys().next().value);
  }
  return job;
}

/** Shows the job of a view: how far it is, and how to cancel it. */
export class JobBar {
  /** @param done told the view that a job made, and its request; @param failed told what went wrong */
  constructor(context, {done, failed}) {
    this.context = context;
    this.done = done;
    this.failed = failed;
    this.bar = element("progress", {max: 1, "aria-label": "Progress"});
    this.text = element("span", {class: "note inline"});
    this.stop = button("Cancel", () => this.job?.cancel());
    this.root = element("p", {class: "job", hidden: true}, this.bar, this.text, this.stop);
    this.listener = step => this.show(step);
  }

  /** Runs what is asked for, or takes over the run of it that goes on. */
  async run(request) {
    this.job?.told.delete(this.listener);
    const job = this.job = jobOf(this.context.live, request);
    job.told.add(this.listener);
    this.show(job.step);
    this.root.hidden = false;
    try {
      const view = await job.result;
      if (this.job === job) {
        this.end();
        this.done(view, request);
      }
    } catch (problem) {
      if (this.job === job) {
        this.end();
        this.failed(problem.status === 409 ? new Error("Cancelled.") : problem);
      }
    }
  }

  end() {
    this.job.told.delete(this.listener);
    this.job = null;
    this.root.hidden = true;
  }

  show({done, total}) {
    if (total > 0) {
      this.bar.value = done / total;
    } else {
      this.bar.removeAttribute("value");
    }
    this.text.textContent = total > 0 ? `${done} of ${total} runs` : "Waiting for the model";
  }
}
