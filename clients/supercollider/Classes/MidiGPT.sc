// One session with a midigpt-server, in time with a TempoClock.
//
// Everything that arrives is handled on the clock of the language: nothing here waits. Bars are
// counted from 0 by this client; a position inside a bar goes over the wire as a fraction of it.

MidiGPT : MidiGPTMessages {
	classvar <>retrySeconds = 1, <>retries = 10;

	var <addr, <name, token;
	var <tracks, params, attrs;
	var <clock, <numerator = 4, <denominator = 4, nextMeter;
	var <bar, barStart; // the bar that sounds, and the beat it began at
	var <state = \stopped; // \stopped, \connecting, \playing
	var <info; // what the server says about its model: JSON text
	var responders, connection = 0, ticker = 0;
	var <>onBar, <>onStarted, <>onError, <>onWarning, <>onFallback;

	*new { |host = "127.0.0.1", port = 7400, name = "sclang", token|
		^super.new.init(NetAddr(host, port), name, token)
	}

	init { |netAddr, sessionName, secret|
		addr = netAddr;
		name = sessionName;
		token = secret;
		tracks = List.new;
		params = IdentityDictionary.new;
		attrs = IdentityDictionary.new;
		onError = { |code, text| "MidiGPT: % (error %)".format(text, code).warn };
		onWarning = { |topic, text| "MidiGPT: % (%)".format(text, topic).postln };
		this.prListen;
	}

	// --- who plays -------------------------------------------------------------------------

	addTrack { |program = 0, drums = false| ^this.prAdd(program, drums, false) }

	addAgent { |program = 0, drums = false, voice|
		^this.prAdd(program, drums, true).voice_(voice ? ())
	}

	removeTrack { |track|
		tracks.remove(track);
		if(state == \playing) {
			if(track.isAgent) { this.sendAgentRemove(track.id) } { this.sendTrackRemove(track.id) }
		};
	}

	agents { ^tracks.select(_.isAgent) }

	// --- transport -------------------------------------------------------------------------

	// Opens the session; bar 0 begins at the next bar line of the clock once the server agrees.
	play { |tempoClock|
		if(state != \stopped) { ^this };
		clock = tempoClock ? TempoClock.default;
		state = \connecting;
		connection = connection + 1;
		this.prConnect(connection, retries);
	}

	stop {
		if(state == \stopped) { ^this };
		state = \stopped;
		ticker = ticker + 1;
		tracks.do(_.forget);
		this.sendSessionStop;
	}

	// Silence, now; the next bar goes on.
	panic { this.sendPanic }

	free {
		this.stop;
		responders.do(_.free);
	}

	isPlaying { ^state == \playing }

	// A new meter begins at the next bar line.
	meter { |beats = 4, unit = 4| nextMeter = [beats, unit] }

	beatsPerBar { ^numerator * 4 / denominator }

	// Beats of a bar: the present one, or one to come as far as its meter is known.
	lengthOf { |barIndex|
		var next = if(barIndex > bar) { nextMeter };
		^if(next.isNil) { this.beatsPerBar } { next[0] * 4 / next[1] }
	}

	// The beat of the clock for a bar and an onset in it (0 to 1).
	beatAt { |barIndex, onset = 0|
		var length = this.lengthOf(barIndex);
		var start = if(barIndex <= bar) { barStart + ((barIndex - bar) * length) } {
			barStart + this.beatsPerBar + ((barIndex - bar - 1) * length)
		};
		^start + (onset * length)
	}

	// The bar and the onset in it of a beat.
	positionAt { |beat|
		var bars = (beat - barStart) / this.beatsPerBar;
		var whole = (bars + 1e-6).floor;
		^[bar + whole.asInteger, (bars - whole).max(0)]
	}

	// --- wishes ----------------------------------------------------------------------------

	set { |parameter, value|
		params[parameter.asSymbol] = value;
		if(state == \playing) { this.sendParamSet(parameter, value) };
	}

	setOnce { |parameter, value| this.sendParamSetOnce(parameter, value) }

	setAttribute { |attribute, level|
		attrs[attribute.asSymbol] = level;
		if(state == \playing) { this.sendAttrSet(attribute, level) };
	}

	// Any message of docs/osc.md: m.send("session/query"); by name: m.sendSessionQuery.
	send { |path ... args| addr.sendMsg("/midigpt/" ++ path, *args) }

	// --- private ---------------------------------------------------------------------------

	prAdd { |program, drums, isAgent|
		var track = MidiGPTTrack(this, this.prFreeId, program, drums, isAgent);
		tracks.add(track);
		if(state == \playing) { track.create };
		^track
	}

	prFreeId { ^(tracks.collect(_.id).maxItem ? -1) + 1 }

	prWire { |value|
		^case
			{ value.isKindOf(Boolean) } { value.binaryValue }
			{ value.isKindOf(Symbol) } { value.asString }
			{ value }
	}

	// UDP may lose a message: ask again until the server answers.
	prConnect { |attempt, left|
		if((state != \connecting) or: { attempt != connection }) { ^this };
		if(left == 0) {
			state = \stopped;
			onError.value(0, "no answer from % port %: is midigpt-server running?"
				.format(addr.hostname, addr.port));
			^this
		};
		this.sendSessionInit(name, token: token ? "");
		SystemClock.sched(retrySeconds, { this.prConnect(attempt, left - 1) });
	}

	prReady {
		if(state != \connecting) { ^this };
		tracks.do(_.create);
		params.keysValuesDo { |key, value| this.sendParamSet(key, value) };
		attrs.keysValuesDo { |key, level| this.sendAttrSet(key, level) };
		this.sendSessionStart;
	}

	prStarted {
		if(state != \connecting) { ^this };
		state = \playing;
		ticker = ticker + 1;
		nextMeter !? { #numerator, denominator = nextMeter; nextMeter = nil };
		bar = 0;
		barStart = clock.nextTimeOnGrid(this.beatsPerBar);
		tracks.do(_.forget);
		this.prTickFrom(ticker, barStart);
		onStarted.value(this);
	}

	prTickFrom { |tick, beat|
		var isFirst = true;
		clock.schedAbs(beat, {
			if(tick == ticker) {
				if(isFirst) { isFirst = false } { this.prEndBar };
				onBar.value(bar);
				this.beatsPerBar
			}
		});
	}

	prEndBar {
		var start = barStart + this.beatsPerBar;
		this.sendBarEnd(bar, numerator, denominator);
		nextMeter !? { #numerator, denominator = nextMeter; nextMeter = nil };
		bar = bar + 1;
		barStart = start;
		tracks.do(_.forgetBefore(bar - 1));
	}

	prListen {
		responders = [
			"model" -> { |json| info = json.asString },
			"session/ready" -> { this.prReady },
			"session/started" -> { this.prStarted },
			"generated/open" -> { |track, index| this.prAgent(track) !? (_.open(index)) },
			"generated/note" -> { |track ... note| this.prAgent(track) !? (_.hearNote(*note)) },
			"generated/close" -> { |track, index| this.prAgent(track) !? (_.close(index)) },
			"generated/flush" -> { |track, index| this.prFlush(track, index) },
			"bar/fallback" -> { |track, index, policy| onFallback.value(track, index, policy) },
			"error" -> { |code, text| this.prError(code, text.asString) },
			"warning" -> { |topic, text| onWarning.value(topic, text.asString) }
		].collect { |pair|
			OSCFunc({ |message| pair.value.value(*message[1..]) }, "/midigpt/" ++ pair.key, addr)
		};
		responders.do(_.permanent_(true)); // they outlive Cmd-period, as the session does
	}

	prError { |code, text|
		if(state == \connecting) { state = \stopped };
		onError.value(code, text);
	}

	prFlush { |id, index|
		this.agents.do { |agent| if((id < 0) or: { agent.id == id }) { agent.flush(index) } }
	}

	prAgent { |id| ^tracks.detect { |track| track.isAgent and: { track.id == id } } }
}
