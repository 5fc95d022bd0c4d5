// A track of a session: one that you play, or an agent.
//
// Yours: wrap a pattern with `hear`, or call `note`. An agent: its notes are played as events made
// of `voice` (an Event or a Pattern), the moment they are due.

MidiGPTTrack {
	classvar <>lateBeats = 0.1; // a note that comes later than this is not played

	var session, <id, <program, <drums, <isAgent;
	var voice, voiceStream;
	var bars; // bar index -> List of Events; a bar opened again is a new List
	var params;
	var <late = 0;
	var <>onNote, <>onClose;

	*new { |session, id, program, drums, isAgent|
		^super.newCopyArgs(session, id, program, drums, isAgent).init
	}

	init {
		params = IdentityDictionary.new;
		this.forget;
	}

	create {
		var kind = if(drums) { 11 } { 10 };
		if(isAgent) { session.sendAgentCreate(id, program, kind) } {
			session.sendTrackCreate(id, program, kind, false)
		};
		params.keysValuesDo { |parameter, value| this.prSet(parameter, value) };
	}

	// Of an agent: \temperature, \min_pitch, \max_pitch, \fallback, ...; see docs/osc.md.
	set { |parameter, value|
		params[parameter.asSymbol] = value;
		if(session.isPlaying) { this.prSet(parameter, value) };
	}

	prSet { |parameter, value| session.sendTrackParamSet(id, parameter, value) }

	// --- yours -----------------------------------------------------------------------------

	// The pattern, whose notes the server will hear while it plays.
	hear { |pattern|
		^pattern.collect { |event|
			var finish = event[\finish];
			event.copy.put(\finish, { |playing|
				finish.value(playing);
				this.prHear(playing);
			})
		}
	}

	// A note that begins at `beat` (default: now) and lasts `sustain` beats; velocity 1..127.
	note { |midinote = 60, velocity = 80, sustain = 1, beat|
		var index, onset;
		if(session.isPlaying.not) { ^this };
		#index, onset = session.positionAt(beat ? session.clock.beats);
		if(index < 0) { ^this }; // before the first bar line
		session.sendNote(id, midinote.round.clip(0, 127), velocity.round.clip(1, 127), onset,
			sustain / session.beatsPerBar, index);
	}

	prHear { |event|
		if(event.isRest) { ^this };
		event.use {
			// as the midi event type has it, but the default amp of 0.1 would be a whisper
			var set = event.keys; // by the pattern itself, not by the parent event
			var usesAmp = set.includes(\velocity).not and: { set.sect(Set[\amp, \db]).notEmpty };
			var velocity = if(usesAmp) { ~amp.value.asArray.maxItem * 127 } { ~velocity };
			~midinote.value.asArray.do { |midinote|
				this.note(midinote, velocity, ~sustain.value, thisThread.beats)
			}
		}
	}

	// --- an agent's ------------------------------------------------------------------------

	voice_ { |eventOrPattern|
		voice = eventOrPattern;
		voiceStream = eventOrPattern.asStream;
	}

	voice { ^voice }

	// What the agent plays in a bar: Events with midinote, velocity, amp, onset and sustain, the
	// last two in beats; nil if the bar is not known.
	at { |index| ^bars[index] }

	barIndices { ^bars.keys.asArray.sort }

	open { |index| bars[index] = List.new }

	close { |index| onClose.value(index, bars[index]) }

	hearNote { |index, pitch, velocity, onset, duration|
		var length, note, notes = bars[index];
		if(notes.isNil or: { session.isPlaying.not }) { ^this };
		length = session.lengthOf(index);
		note = (midinote: pitch, velocity: velocity, amp: velocity / 127,
			onset: onset * length, sustain: duration * length, dur: duration * length);
		notes.add(note);
		onNote.value(index, note);
		this.prSchedule(note, notes, index, session.beatAt(index, onset));
	}

	prSchedule { |note, notes, index, beat|
		var now = session.clock.beats;
		if(beat < (now - lateBeats)) { late = late + 1; ^this };
		session.clock.schedAbs(beat.max(now), {
			if(bars[index] === notes) { this.prPlay(note) };
			nil
		});
	}

	prPlay { |note|
		var event = voiceStream.next(Event.default);
		event !? { event.copy.putAll(note).play };
	}

	// Take back the newest bar, or have one that is not over written anew.
	undo { session.sendAgentUndo(id) }

	regenerate { |index| session.sendAgentRegenerate(index, id) }

	// What is not played yet from this bar on (-1: all) is not played.
	flush { |index = -1| bars.keys.select(_ >= index).do { |old| bars.removeAt(old) } }

	forget { bars = Dictionary.new }

	// Bars are kept for as long as one of their notes may still be due.
	forgetBefore { |index| bars.keys.select(_ < index).do { |old| bars.removeAt(old) } }
}
