import { useSignal } from "@preact/signals";
import { beatsOf } from "../clock/timeline";
import { meterOf } from "../session/state";
import {
  isPlaying as playing,
  shown as onDesk,
  shownBar,
  shownLoop,
  toggleLoop,
  togglePlay,
  view,
  work,
} from "../desk";
import { client, jam, leader, player, wire } from "../studio";
import { Button, Select } from "../ui/controls";
import { setTheme, theme } from "../ui/colours";
import { Icon } from "../ui/icons";
import { isHelpOpen } from "./Help";
import { TempoField } from "./TempoField";

const METERS = ["4/4", "3/4", "2/4", "5/4", "6/8", "7/8", "12/8"] as const;

export function TopBar() {
  return (
    <header class="top-bar">
      <div class="brand" aria-hidden="true">
        <i class="brand-mark" />
        <span>midigpt studio</span>
      </div>
      <PlayButton />
      <Position />
      {view.value === "live" && <TimeControls />}
      {onDesk.value.tracks.length > 0 && <LoopButton />}
      <BandStatus />
      <div class="cluster last">
        <Button label="Panic: end every note" icon="panic" kind="quiet" onClick={panic} />
        <Button
          label={theme.value === "dark" ? "Light theme" : "Dark theme"}
          icon={theme.value === "dark" ? "sun" : "moon"}
          kind="quiet"
          onClick={() => setTheme(theme.value === "dark" ? "light" : "dark")}
        />
        <Button
          label="Help and shortcuts"
          icon="help"
          kind="quiet"
          onClick={() => (isHelpOpen.value = true)}
        />
      </div>
    </header>
  );
}

/** Tempo, meter and what clicks. */
function TimeControls() {
  return (
    <>
      <div class="cluster">
        <TempoField />
        <MeterField />
      </div>
      <div class="cluster" role="group" aria-label="Time">
        <Button
          label="Metronome"
          icon="metronome"
          isOn={leader.hasMetronome.value}
          onClick={() => (leader.hasMetronome.value = !leader.hasMetronome.value)}
        />
        <Button
          label="Count-in"
          icon="countIn"
          isOn={leader.hasCountIn.value}
          onClick={() => (leader.hasCountIn.value = !leader.hasCountIn.value)}
        />
        {leader.isStepping.value && (
          <Button label="Next bar" title="Next bar (N)" onClick={() => leader.step()} />
        )}
      </div>
    </>
  );
}

function LoopButton() {
  return (
    <Button
      label="Loop"
      icon="repeat"
      isOn={shownLoop.value !== null}
      title="Loop the marked bars, or the last four, from the next bar line on (L)"
      onClick={toggleLoop}
    />
  );
}

export function panic(): void {
  player.stop();
  client.send("/midigpt/panic");
}

function PlayButton() {
  const isPlaying = playing.value;
  const isStarting = jam.isStarting.value;
  const label = isStarting ? "Starting" : isPlaying ? "Pause" : "Play";
  return (
    <button
      type="button"
      class="play"
      data-on={isPlaying}
      aria-busy={isStarting}
      disabled={wire.connection.value !== "open"}
      title={`${label} (space)`}
      onClick={() => void togglePlay()}
    >
      <Icon name={isPlaying ? "pause" : "play"} />
      <span>{label}</span>
    </button>
  );
}

function Position() {
  const bar = shownBar.value;
  const isLive = view.value === "live";
  const live = leader.timeline.bar(bar)?.meter ?? leader.meter.value;
  const beats = beatsOf(isLive ? live : meterOf(onDesk.value, Math.max(bar, 0)));
  const shown = bar >= 0 || !isLive ? Math.max(bar, 0) : client.session.value.playhead;
  return (
    <div class="position" role="status" aria-label="Position" aria-live="off">
      <b>{shown + 1}</b>
      <span class="beats" aria-hidden="true">
        {Array.from({ length: beats }, (_, beat) => (
          <i key={beat} data-on={isLive && bar >= 0 && beat === leader.beat.value} />
        ))}
      </span>
    </div>
  );
}

function MeterField() {
  const { numerator, denominator } = leader.meter.value;
  const value = `${numerator}/${denominator}`;
  const known = client.session.value.knownMeters;
  const offered = METERS.filter((meter) => known.length === 0 || known.includes(meter));
  const options = offered.includes(value as never) ? offered : [...offered, value];
  return (
    <Select
      label="Meter"
      hidesLabel
      value={value}
      options={options.map((meter) => [meter, meter] as const)}
      onChange={(text) => {
        const [top, bottom] = text.split("/").map(Number);
        leader.setMeter({ numerator: top!, denominator: bottom! });
      }}
    />
  );
}

/** In words: who waits for whom. */
function BandStatus() {
  const announced = useSignal("");
  const [kind, text] = bandStatus();
  if (announced.peek() !== text) announced.value = text;
  return (
    <div class="band-status" data-kind={kind}>
      <i aria-hidden="true" />
      <span role="status">{announced.value}</span>
    </div>
  );
}

function bandStatus(): [kind: string, text: string] {
  const { phase, isGenerating, buffering } = client.session.value;
  switch (wire.connection.value) {
    case "connecting":
      return ["wait", "Connecting"];
    case "lost":
      return ["bad", "Connection lost, trying again"];
    case "refused":
      return ["bad", wire.refusal.value];
  }
  if (work.value) return ["busy", work.value];
  if (player.state.value === "failed") return ["bad", player.problem.value];
  if (view.value === "song") return ["idle", onDesk.value.name];
  if (jam.isStarting.value) return ["wait", "Getting the band together"];
  if (phase !== "RUNNING") return ["idle", "Ready when you are"];
  if (!leader.isPlaying.value) {
    return ["idle", client.isPlayer.value ? "Paused" : "Watching"];
  }
  if (buffering > 0) return ["wait", `Listening: ${buffering} more bar${buffering > 1 ? "s" : ""}`];
  return isGenerating ? ["busy", "The band is thinking"] : ["good", "The band plays"];
}
