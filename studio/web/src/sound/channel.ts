import { type Command, PAN, VOLUME } from "./commands";

/** Set a channel up: program, volume (0..127) and pan (0..127, 64 = centre). */
export function channelCommands(
  channel: number,
  program: number,
  volume: number,
  pan: number,
): Command[] {
  return [
    { kind: "channel", channel, program },
    { kind: "control", channel, controller: VOLUME, value: volume },
    { kind: "control", channel, controller: PAN, value: pan },
  ];
}
