package dev.hyaline.analysis.investigation;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is wrong with a file, as far as one fault does not hide another. */
final class Faults {
    private final List<String> sentences = new ArrayList<>();
    private final Pattern place;

    /** @param file its name, with which sentences begin */
    Faults(String file) {
        this.place = Pattern.compile(Pattern.quote(file) + ", line (\\d+): .*", Pattern.DOTALL);
    }

    void add(HyalineException fault) {
        add(String.valueOf(fault.getMessage()));
    }

    private void add(String sentence) {
        if (!sentences.contains(sentence)) {
            sentences.add(sentence);
        }
    }

    int count() {
        return sentences.size();
    }

    /** Reads a value; null after a fault. */
    <T> @Nullable T attempt(Supplier<@Nullable T> read) {
        try {
            return read.get();
        } catch (HyalineException e) {
            add(e);
            return null;
        }
    }

    /** Reads a value; after a fault, another that lets reading go on. */
    <T> T attempt(Supplier<T> read, T otherwise) {
        T value = attempt(read);
        return value == null ? otherwise : value;
    }

    /**
     * In the order of their lines, those of the whole file first.
     *
     * @throws BadInputException if there are any
     */
    void requireNone() {
        if (!sentences.isEmpty()) {
            throw BadInputException.of(sentences.stream()
                    .sorted(Comparator.comparingInt(this::line))
                    .toList());
        }
    }

    private int line(String sentence) {
        Matcher placed = place.matcher(sentence);
        return placed.matches() ? Integer.parseInt(placed.group(1)) : 0;
    }
}
