/** The computer keyboard as a piano: A is C, W is C sharp, and so on; Z and X move by an octave. */
import { signal } from "@preact/signals";
import type { Performer } from "./performer";

/** By place of the key, not by letter, so that every layout has the same piano. */
export const PIANO_KEYS: readonly [code: string, label: string][] = [
  ["KeyA", "A"],
  ["KeyW", "W"],
  ["KeyS", "S"],
  ["KeyE", "E"],
  ["KeyD", "D"],
  ["KeyF", "F"],
  ["KeyT", "T"],
  ["KeyG", "G"],
  ["KeyY", "Y"],
  ["KeyH", "H"],
  ["KeyU", "U"],
  ["KeyJ", "J"],
  ["KeyK", "K"],
  ["KeyO", "O"],
  ["KeyL", "L"],
  ["KeyP", "P"],
  ["Semicolon", ";"],
];

const STEPS = new Map(PIANO_KEYS.map(([code], step) => [code, step]));
const VELOCITY_STEP = 10;

export class ComputerKeys {
  readonly isOn = signal(true);
  readonly octave = signal(5);
  readonly velocity = signal(90);
  #down = new Map<string, number>();

  constructor(private performer: Performer) {}

  /** Returns whether the key was the piano's. */
  onKeyDown(event: KeyboardEvent): boolean {
    if (!this.isOn.value || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
      return false;
    }
    const step = STEPS.get(event.code);
    if (step !== undefined) {
      if (!event.repeat) this.#press(event.code, step, event.timeStamp);
      return true;
    }
    switch (event.code) {
      case "KeyZ":
        this.octave.value = Math.max(0, this.octave.value - 1);
        return true;
      case "KeyX":
        this.octave.value = Math.min(9, this.octave.value + 1);
        return true;
      case "KeyC":
        this.velocity.value = Math.max(10, this.velocity.value - VELOCITY_STEP);
        return true;
      case "KeyV":
        this.velocity.value = Math.min(120, this.velocity.value + VELOCITY_STEP);
        return true;
    }
    return false;
  }

  onKeyUp(event: KeyboardEvent): void {
    const pitch = this.#down.get(event.code);
    if (pitch === undefined) return;
    this.#down.delete(event.code);
    this.performer.release(pitch, event.timeStamp);
  }

  #press(code: string, step: number, moment: number): void {
    const pitch = this.octave.value * 12 + step;
    if (pitch > 127) return;
    this.#down.set(code, pitch);
    this.performer.press(pitch, this.velocity.value, moment);
  }
}
