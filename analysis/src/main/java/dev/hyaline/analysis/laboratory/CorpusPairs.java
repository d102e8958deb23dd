package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.StudyPlan.CorpusPrompts;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.dump.ActivationStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Pairs of prompts from the documents of a dumped corpus, as a file of pairs has them. */
final class CorpusPairs {
    /** Pairs to divide: so many times those that are asked for, as a half is chosen by a digest. */
    private static final int TIMES = 4;

    private CorpusPairs() {}

    /** The beginning of a document, and the token after it. */
    private record Beginning(long document, int[] tokens, int next) {}

    /**
     * Two documents make a pair, and a unit: no document is in two pairs.
     *
     * @throws BadInputException if there are too few documents of the length, each of whose tokens was kept
     */
    static byte[] json(Path folder, PromptPlan plan, long seed) {
        CorpusPrompts corpus = Objects.requireNonNull(plan.corpus());
        int wanted = TIMES * (plan.discovery() + plan.heldOut());
        List<Beginning> pairs = new ArrayList<>();
        try (ActivationStore store = ActivationStore.open(folder)) {
            if (store.documents() > CounterRandom.MAX_PLACES) {
                throw new BadInputException(folder + " has " + store.documents() + " documents; pairs are drawn from at"
                        + " most " + CounterRandom.MAX_PLACES);
            }
            int[] order = CounterRandom.of(seed).named("documents").permutation((int) store.documents());
            List<Beginning> waiting = new ArrayList<>();
            for (int i = 0; i < order.length && pairs.size() < 2 * wanted; i++) {
                Beginning beginning = beginning(store, order[i], corpus.length());
                if (beginning != null) {
                    pair(beginning, waiting, pairs);
                }
            }
        }
        if (pairs.isEmpty()) {
            throw new BadInputException(folder + " has no two documents of at least " + (corpus.length() + 1)
                    + " tokens, all of them dumped, that go on with different tokens");
        }
        return JsonText.indented(json -> {
            json.writeStartArray();
            for (int i = 0; i < pairs.size(); i += 2) {
                write(pairs.get(i), pairs.get(i + 1), json);
            }
            json.writeEndArray();
        });
    }

    /** Joins a document with the first that waits for one that goes on differently. */
    private static void pair(Beginning beginning, List<Beginning> waiting, List<Beginning> pairs) {
        for (int i = 0; i < waiting.size(); i++) {
            Beginning other = waiting.get(i);
            if (other.next != beginning.next && !Arrays.equals(other.tokens, beginning.tokens)) {
                pairs.add(waiting.remove(i));
                pairs.add(beginning);
                return;
            }
        }
        waiting.add(beginning);
    }

    private static @Nullable Beginning beginning(ActivationStore store, long document, int length) {
        int[] tokens = new int[length + 1];
        for (int position = 0; position <= length; position++) {
            OptionalLong row = store.row(document, position);
            if (row.isEmpty()) {
                return null;
            }
            tokens[position] = store.token(row.getAsLong());
        }
        return new Beginning(document, Arrays.copyOf(tokens, length), tokens[length]);
    }

    private static void write(Beginning clean, Beginning corrupted, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("name", "documents " + clean.document + " and " + corrupted.document);
        json.writeName("clean");
        json.writeArray(clean.tokens, 0, clean.tokens.length);
        json.writeName("corrupted");
        json.writeArray(corrupted.tokens, 0, corrupted.tokens.length);
        json.writeNumberProperty("answer", clean.next);
        json.writeNumberProperty("distractor", corrupted.next);
        json.writeStringProperty("unit", clean.document + ", " + corrupted.document);
        json.writeEndObject();
    }
}
