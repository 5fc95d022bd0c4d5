// A test framework in one header: TEST("name") { CHECK(...); } registers itself; main.cpp runs all.
#pragma once

#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace midigpt::check {

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

struct Registration {
    Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

// Ends the running test; the message says where and what.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename T>
void print(std::ostream& out, const T& value) {
    if constexpr (requires { out << value; }) {
        out << value;
    } else if constexpr (requires { value.begin(); }) {
        out << '[';
        for (const auto& item : value) {
            print(out, item);
            out << ' ';
        }
        out << ']';
    } else if constexpr (requires { value.first; value.second; }) {
        out << '(';
        print(out, value.first);
        out << ", ";
        print(out, value.second);
        out << ')';
    } else {
        out << "(value)";
    }
}

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

template <typename A, typename B>
void equal(const A& actual, const B& expected, const char* text, const char* file, int line) {
    if (actual == expected) return;
    std::ostringstream message;
    message << text << " is ";
    print(message, actual);
    message << ", expected ";
    print(message, expected);
    fail(file, line, message.str());
}

template <typename Exception, typename Call>
void throws(Call&& call, const std::string& fragment, const char* text, const char* file, int line) {
    try {
        call();
    } catch (const Exception& error) {
        const std::string what = error.what();
        if (what.find(fragment) == std::string::npos) {
            fail(file, line, std::string(text) + " says \"" + what + "\", not \"" + fragment + "\"");
        }
        return;
    }
    fail(file, line, std::string(text) + " throws nothing");
}

// Runs every test whose name contains `filter`; prints failures; returns the number of them.
inline int run_all(const std::string& filter) {
    int run = 0;
    int failed = 0;
    for (const auto& test : tests()) {
        if (std::string(test.name).find(filter) == std::string::npos) continue;
        ++run;
        try {
            test.run();
        } catch (const std::exception& error) {
            ++failed;
            std::cerr << "FAILED " << test.name << "\n  " << error.what() << "\n";
        }
    }
    std::cout << run - failed << " of " << run << " tests passed\n";
    return failed;
}

}  // namespace midigpt::check

#define MIDIGPT_JOIN_(a, b) a##b
#define MIDIGPT_JOIN(a, b) MIDIGPT_JOIN_(a, b)

#define TEST(name)                                                                     \
    static void MIDIGPT_JOIN(test_, __LINE__)();                                       \
    static const ::midigpt::check::Registration MIDIGPT_JOIN(registration_, __LINE__)( \
        name, MIDIGPT_JOIN(test_, __LINE__));                                          \
    static void MIDIGPT_JOIN(test_, __LINE__)()

#define CHECK(...) \
    do { if (!(__VA_ARGS__)) ::midigpt::check::fail(__FILE__, __LINE__, #__VA_ARGS__); } while (false)

// The expected value comes last and may hold commas: CHECK_EQUAL(f(x), std::vector{1, 2}).
#define CHECK_EQUAL(actual, ...) \
    ::midigpt::check::equal(actual, __VA_ARGS__, #actual, __FILE__, __LINE__)

// The expression throws `Exception` (or a subclass) with `fragment` in its message.
#define CHECK_THROWS(Exception, fragment, ...)                                        \
    ::midigpt::check::throws<Exception>([&] { (void)(__VA_ARGS__); }, fragment, #__VA_ARGS__, \
                                        __FILE__, __LINE__)
