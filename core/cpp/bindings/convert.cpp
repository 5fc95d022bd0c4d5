// The dataclasses of midigpt.score to and from the core's flat score, in one call each: every bar
// that is played goes through here.
#include <string>

#include "bindings/module.hpp"
#include "score/score.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

// An attribute name, interned once.
class Field {
public:
    explicit Field(const char* name) : name_(PyUnicode_InternFromString(name)) {}

    py::object of(py::handle object) const {
        PyObject* value = PyObject_GetAttr(object.ptr(), name_);
        if (value == nullptr) throw py::error_already_set();
        return py::reinterpret_steal<py::object>(value);
    }

    int integer(py::handle object) const {
        const py::object value = of(object);
        int overflow = 0;
        const long number = PyLong_AsLongAndOverflow(value.ptr(), &overflow);
        if (number == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            throw py::type_error(problem(object, value, "a whole number is wanted"));
        }
        if (overflow != 0 || number != static_cast<int>(number)) {
            throw py::value_error(problem(object, value, "it must fit in 32 bits"));
        }
        return static_cast<int>(number);
    }

    std::string problem(py::handle object, const py::object& value, const char* wanted) const {
        const auto type = py::str(py::type::of(object).attr("__name__")).cast<std::string>();
        return type + "." + py::str(py::handle(name_)).cast<std::string>() + " is " +
               py::repr(value).cast<std::string>() + "; " + wanted;
    }

private:
    PyObject* name_;  // lives as long as the interpreter
};

struct Fields {
    Field tracks{"tracks"}, resolution{"resolution"}, tempo{"tempo"};
    Field bars{"bars"}, instrument{"instrument"}, track_type{"track_type"};
    Field attributes{"attributes"};
    Field notes{"notes"}, ts_numerator{"ts_numerator"}, ts_denominator{"ts_denominator"};
    Field beat_length{"beat_length"}, future{"future"};
    Field pitch{"pitch"}, velocity{"velocity"}, onset_ticks{"onset_ticks"};
    Field duration_ticks{"duration_ticks"}, delta{"delta"};
};

const Fields& fields() {
    static const Fields all;
    return all;
}

Note note_from(py::handle note) {
    const Fields& f = fields();
    return {f.pitch.integer(note), f.velocity.integer(note), f.onset_ticks.integer(note),
            f.duration_ticks.integer(note), f.delta.integer(note)};
}

Bar bar_from(py::handle source, std::vector<Note>& pool) {
    const Fields& f = fields();
    Bar bar;
    bar.ts_numerator = f.ts_numerator.integer(source);
    bar.ts_denominator = f.ts_denominator.integer(source);
    bar.beat_length = f.beat_length.of(source).cast<double>();
    bar.future = f.future.of(source).cast<bool>();
    for (py::handle note : f.notes.of(source)) {
        bar.note_indices.push_back(static_cast<int>(pool.size()));
        pool.push_back(note_from(note));
    }
    return bar;
}

// Keys that start with "_" hold raw values for the analysis of attributes: no token carries them.
std::map<std::string, int> levels_from(const py::dict& attributes) {
    std::map<std::string, int> levels;
    for (const auto& [key, value] : attributes) {
        auto name = key.cast<std::string>();
        if (name.starts_with('_')) continue;
        if (!PyIndex_Check(value.ptr())) {
            throw py::type_error("attribute \"" + name + "\" is " +
                                 py::repr(value).cast<std::string>() + "; a level is a whole number");
        }
        levels[std::move(name)] = value.cast<int>();
    }
    return levels;
}

Track track_from(py::handle source, std::vector<Note>& pool) {
    const Fields& f = fields();
    Track track;
    track.instrument = f.instrument.integer(source);
    track.type = f.track_type.of(source).cast<std::string>() == "drum" ? TrackType::Drum
                                                                      : TrackType::Melodic;
    track.attributes = levels_from(f.attributes.of(source).cast<py::dict>());
    for (py::handle bar : f.bars.of(source)) track.bars.push_back(bar_from(bar, pool));
    return track;
}

Score to_cpp(py::handle source) {
    const Fields& f = fields();
    Score score;
    score.resolution = f.resolution.integer(source);
    score.tempo = f.tempo.integer(source);
    for (py::handle track : f.tracks.of(source)) {
        score.tracks.push_back(track_from(track, score.notes));
    }
    return score;
}

py::list notes_of(const Bar& bar, const Score& score, const py::object& note_class) {
    py::list notes(bar.note_indices.size());
    for (std::size_t i = 0; i < notes.size(); ++i) {
        const Note& n = score.notes.at(static_cast<std::size_t>(bar.note_indices[i]));
        notes[i] = note_class(n.pitch, n.velocity, n.onset_ticks, n.duration_ticks, n.delta);
    }
    return notes;
}

py::object from_cpp(const Score& score) {
    const auto classes = py::module_::import("midigpt.score");
    const py::object note_class = classes.attr("Note");
    const py::object bar_class = classes.attr("Bar");
    const py::object track_class = classes.attr("Track");
    py::list tracks;
    for (const Track& track : score.tracks) {
        py::list bars;
        for (const Bar& bar : track.bars) {
            bars.append(bar_class(notes_of(bar, score, note_class), bar.ts_numerator,
                                  bar.ts_denominator, bar.beat_length, bar.future));
        }
        py::dict attributes;
        for (const auto& [key, level] : track.attributes) attributes[py::str(key)] = level;
        tracks.append(track_class(bars, track.instrument,
                                  track.type == TrackType::Drum ? "drum" : "melodic", attributes));
    }
    return classes.attr("Score")(tracks, score.resolution, score.tempo);
}

}  // namespace

void bind_convert(py::module_& m) {
    m.def("to_cpp", &to_cpp, py::arg("score"), "The flat form of a midigpt.score.Score.");
    m.def("from_cpp", &from_cpp, py::arg("score"), "A midigpt.score.Score from the flat form.");
}

}  // namespace midigpt::bindings
