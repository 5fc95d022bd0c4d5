// A small reader of JSON, for the headers of safetensors files. Input from strangers: every error is
// a std::runtime_error, nesting is limited, nothing is read past the end.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace midigpt::engine {

struct Json {
    using Array = std::vector<Json>;
    using Object = std::vector<std::pair<std::string, Json>>;  // in the order of the text

    std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value;

    // The member of an object; null when this is no object or has no such member.
    const Json* find(std::string_view name) const;
};

// Throws std::runtime_error with the offset of the first error.
Json parse_json(std::string_view text);

}  // namespace midigpt::engine
