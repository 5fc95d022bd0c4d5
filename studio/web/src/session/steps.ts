/** What was done, to be taken back and done again. */
export interface Step {
  undo(): void;
  redo(): void;
}

const MOST_STEPS = 100;

export class Steps {
  #session = "";
  #past: Step[] = [];
  #future: Step[] = [];

  /** `resort` is what undo and redo do when nothing was done here. */
  constructor(private resort: Step) {}

  /** The steps of a session; those of another one are forgotten. */
  of(session: string): this {
    if (session !== this.#session) {
      this.#session = session;
      this.#past = [];
      this.#future = [];
    }
    return this;
  }

  did(step: Step): void {
    this.#past = [...this.#past.slice(1 - MOST_STEPS), step];
    this.#future = [];
  }

  undo(): void {
    const step = this.#past.pop() ?? this.resort;
    this.#future.push(step);
    step.undo();
  }

  redo(): void {
    const step = this.#future.pop() ?? this.resort;
    if (step !== this.resort) this.#past.push(step);
    step.redo();
  }
}
