import { useSignal } from "@preact/signals";
import { schema } from "../schema";
import { nameParts, partNames } from "../session/names";
import { createTrack } from "../session/tracks";
import { client } from "../studio";
import { Button, Select } from "../ui/controls";

const ROLES = [
  ["agent", "agent: the model plays it"],
  ["you", "yours: you play it"],
] as const;
const DRUM_KIT = -1;

/** A new track in the running session. */
export function AddTrack() {
  const role = useSignal<"agent" | "you">("agent");
  const program = useSignal(0);
  const instruments = [
    [DRUM_KIT, "Drum kit"] as const,
    ...schema.value.instruments.map((name, index) => [index, name] as const),
  ];
  const add = () => {
    const { tracks } = client.session.value;
    const id = Math.max(-1, ...tracks.map((track) => track.id)) + 1;
    const isDrum = program.value === DRUM_KIT;
    nameParts(new Map([...partNames.value].filter(([known]) => known !== id)));
    createTrack(client, id, Math.max(0, program.value), isDrum, role.value === "agent");
  };
  return (
    <div class="add-track">
      <Select
        label="New track"
        value={role.value}
        options={ROLES}
        onChange={(next) => (role.value = next)}
      />
      <Select
        label="Instrument of the new track"
        hidesLabel
        value={program.value}
        options={instruments}
        onChange={(next) => (program.value = next)}
      />
      <Button label="Add" icon="plus" showsLabel onClick={add} />
    </div>
  );
}
