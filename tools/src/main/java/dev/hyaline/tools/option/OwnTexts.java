package dev.hyaline.tools.option;

import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Sampling;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Texts that a model writes itself, where none are given.
 *
 * @param count of texts
 * @param length of the longest, in tokens
 * @param seed of the draw of tokens
 */
record OwnTexts(int count, int length, long seed) {
    private static final int TEXTS_PER_PASS = 64;

    /**
     * Lets a model write the texts.
     *
     * @throws BadInputException if the model names no token that begins a text
     */
    List<Document> write(Gpt2 model, ModelVocabulary vocabulary, Console console) {
        int begin = vocabulary
                .beginOfText()
                .orElseThrow(() -> new BadInputException(
                        "the model names no token that begins a text, so that it cannot write any; give --prompts"));
        List<Document> documents = new ArrayList<>();
        try (ConsoleProgress progress = new ConsoleProgress(console, "write", "texts", count)) {
            for (int first = 0; first < count; first += TEXTS_PER_PASS) {
                int size = Math.min(TEXTS_PER_PASS, count - first);
                List<int[]> begun = IntStream.range(0, size)
                        .mapToObj(i -> new int[] {begin})
                        .toList();
                List<int[]> made = Generator.of(model)
                        .sampling(Sampling.seeded(seed + first))
                        .maxNewTokens(length - 1)
                        .generate(begun, (sequence, token) -> {});
                for (int[] tokens : made) {
                    int[] all = new int[tokens.length + 1];
                    all[0] = begin;
                    System.arraycopy(tokens, 0, all, 1, tokens.length);
                    documents.add(new Document("text " + documents.size(), all));
                }
                progress.advance(size);
            }
        }
        return documents;
    }
}
