/** The parts of the page, made once and joined. */
import { effect } from "@preact/signals";
import { Leader } from "./clock/leader";
import { ComputerKeys } from "./input/computer-keys";
import { Performer } from "./input/performer";
import { WebMidi } from "./input/web-midi";
import { Client } from "./session/client";
import { Jam } from "./session/jam";
import { keepOverReloads } from "./session/keep";
import { trackOf } from "./session/state";
import { Mixer } from "./sound/mixer";
import { Player } from "./sound/player";
import { Wire } from "./wire/wire";
import { OscLog } from "./wire/log";

export const wire = new Wire();
export const log = new OscLog(wire);
export const client = new Client(wire);
export const player = new Player();
export const mixer = new Mixer(player);
export const leader = new Leader(player, client);
export const performer = new Performer(player, leader, client);
export const keys = new ComputerKeys(performer);
export const midi = new WebMidi(performer);
export const jam = new Jam(client, leader, player, performer, mixer);

export function start(): void {
  leader.channelOf = (track) => mixer.channelOf(track);
  leader.onBarEnd = (bar) => performer.onBarEnd(bar);
  client.onMessage = (message) => leader.onMessage(message);
  effect(() => {
    const track = trackOf(client.session.value, performer.trackId.value);
    if (track) performer.channel = mixer.channelOf(track) ?? 0;
  });
  effect(() => {
    if (wire.connection.value !== "open") return;
    // Play tells what goes wrong here.
    player.prepare(jam.groove.value.parts).catch(() => undefined);
  });
  keepOverReloads(client, leader, performer, mixer);
  wire.open();
}
