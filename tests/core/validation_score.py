"""Builds the scores of tests/data/golden/validation.json from their short form."""

from midigpt import Bar, Note, Score, Track


def build_score(short):
    """Tracks like "m33" (melodic, program 33) or "d0" (drums), 8 equal bars in 4/4 by default."""
    numerator, denominator = short.get("meter", (4, 4))
    notes = short.get("notes", [[60, 90, 0, 240], [64, 90, 480, 480], [67, 80, 960, 240]])
    tracks = []
    for index, name in enumerate(short.get("tracks", ["m0", "m33"])):
        count = short.get("bars_of", {}).get(str(index), short.get("bars", 8))
        bars = [
            Bar([Note(*n) for n in notes], numerator, denominator, 4.0 * numerator / denominator)
            for _ in range(count)
        ]
        kind = "drum" if name[0] == "d" else "melodic"
        tracks.append(Track(bars, instrument=int(name[1:]), track_type=kind))
    for track, bar, field, value in short.get("edit", []):
        setattr(tracks[track].bars[bar], field, value)
    for track, program in zip(tracks, short.get("programs", []), strict=False):
        track.instrument = program
    return Score(tracks)
