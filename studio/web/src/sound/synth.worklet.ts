/** The audio thread: renders the queue and tells the page the time, 100 times a second. */
import type { Command, Tick } from "./commands";
import { Renderer } from "./renderer";

const FRAMES_PER_TICK = 512;

class Synth extends AudioWorkletProcessor {
  #renderer = new Renderer(sampleRate);
  #nextTick = 0;

  constructor(options?: { processorOptions?: { commands?: Command[] } }) {
    super();
    for (const command of options?.processorOptions?.commands ?? []) {
      this.#renderer.receive(command);
    }
    this.port.onmessage = ({ data }: MessageEvent<Command[]>) => {
      for (const command of data) this.#renderer.receive(command);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [left, right] = outputs[0]!;
    this.#renderer.render(left!, right!, currentFrame);
    if (currentFrame >= this.#nextTick) {
      this.#nextTick = currentFrame + FRAMES_PER_TICK;
      const tick: Tick = { frame: currentFrame, lateness: this.#renderer.lateness };
      this.port.postMessage(tick);
    }
    return true;
  }
}

registerProcessor("midigpt-synth", Synth);
