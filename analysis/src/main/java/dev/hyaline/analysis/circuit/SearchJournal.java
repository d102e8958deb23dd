package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.PartialFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The state of a search that goes step by step, in a small file of lines {@code name value}, so that one that is
 * stopped in any way goes on from there. The file always holds a whole state. It is left when the search is done, for
 * the caller to delete once the results are safe.
 */
final class SearchJournal {
    private static final String FORMAT = "hyaline search 1";
    /** A state is written again after this many times what writing it took. */
    private static final long PAUSE = 20;

    private final @Nullable Path file;
    private final String identity;
    private long nextWrite = System.nanoTime();

    /**
     * A journal.
     *
     * @param words that tell the search from others of the same experiment
     */
    SearchJournal(CircuitExperiment experiment, SweepOptions options, String words) {
        file = options.journal().orElse(null);
        identity = FORMAT + " "
                + HexFormat.of()
                        .formatHex(experiment
                                .experiment()
                                .fingerprint(words + ", " + experiment.edits().key()));
    }

    /**
     * The state that a search which was stopped left.
     *
     * @throws BadInputException if the file is of another search
     */
    Optional<Map<String, String>> read() {
        if (file == null) {
            return Optional.empty();
        }
        String[] lines;
        try {
            lines = Files.readString(file, StandardCharsets.US_ASCII).split("\n", -1);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
        if (!lines[0].equals(identity)) {
            throw new BadInputException(file + " holds the progress of another search, or of this one on other prompts,"
                    + " weights or settings; go on with those, or delete it");
        }
        Map<String, String> state = new TreeMap<>();
        for (int i = 1; i < lines.length - 1; i++) {
            int space = lines[i].indexOf(' ');
            state.put(lines[i].substring(0, space), lines[i].substring(space + 1));
        }
        return Optional.of(state);
    }

    /** Writes a state, unless the last one was written a short while ago. */
    void save(Supplier<Map<String, String>> state) {
        if (file == null || System.nanoTime() < nextWrite) {
            return;
        }
        long start = System.nanoTime();
        StringBuilder text = new StringBuilder(identity).append('\n');
        state.get()
                .forEach((name, value) ->
                        text.append(name).append(' ').append(value).append('\n'));
        try {
            PartialFile.write(file, text.toString().getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
        nextWrite = System.nanoTime() + PAUSE * (System.nanoTime() - start);
    }

    /** Numbers as text that gives their bits back. */
    static String text(double... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES);
        bytes.asDoubleBuffer().put(values);
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    /** Numbers from {@link #text(double...)}. */
    static double[] doubles(String text) {
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(text));
        double[] values = new double[bytes.remaining() / Double.BYTES];
        bytes.asDoubleBuffer().get(values);
        return values;
    }
}
