// Times llama.cpp through its C interface: the prompt in one batch, then token after token. Prints one
// line of JSON. Arguments: GGUF file, tokens of the prompt, tokens after it, threads.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "llama.h"

int main(int, char** arguments) {
    const int prompt = std::atoi(arguments[2]);
    const int tokens = std::atoi(arguments[3]);
    const int threads = std::atoi(arguments[4]);
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
    llama_model* model = llama_model_load_from_file(arguments[1], llama_model_default_params());
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<unsigned>(prompt + tokens + 32);
    params.n_batch = static_cast<unsigned>(prompt);
    params.n_threads = params.n_threads_batch = threads;
    llama_context* context = llama_init_from_model(model, params);
    if (context == nullptr) return 1;

    std::srand(0);
    const auto seconds = [&](int count) {
        std::vector<llama_token> ids(static_cast<std::size_t>(count));
        for (auto& id : ids) id = std::rand() % 600;
        const auto started = std::chrono::steady_clock::now();
        if (llama_decode(context, llama_batch_get_one(ids.data(), count)) != 0) std::exit(1);
        llama_synchronize(context);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
    seconds(16);  // warm up
    llama_memory_clear(llama_get_memory(context), true);
    std::printf("{\"prefill\": %.6f, \"steps\": [", seconds(prompt));
    for (int i = 0; i < tokens; ++i) std::printf("%s%.6f", i == 0 ? "" : ", ", seconds(1));
    std::printf("]}\n");
}
