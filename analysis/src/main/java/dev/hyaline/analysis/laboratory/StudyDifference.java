package dev.hyaline.analysis.laboratory;

import dev.hyaline.files.Printable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A place at which a study that was made again differs from its files.
 *
 * @param path of the file, in the study's folder
 * @param what the difference, in words
 */
public record StudyDifference(String path, String what) {
    private static final int SHOWN = 60;

    /** The first difference in a phase's files; null if there is none. */
    static @Nullable StudyDifference find(String phase, StudyFiles one, StudyFiles other) {
        TreeSet<String> names = new TreeSet<>(one.names(phase));
        names.addAll(other.names(phase));
        for (String name : names) {
            String path = phase + "/" + name;
            if (!one.has(path)) {
                return new StudyDifference(path, "is missing");
            }
            if (!other.has(path)) {
                return new StudyDifference(path, "is no file of the study");
            }
            byte[] found = one.bytes(path);
            byte[] expected = other.bytes(path);
            int at = Arrays.mismatch(found, expected);
            if (at >= 0) {
                return new StudyDifference(path, words(found, expected, at));
            }
        }
        return null;
    }

    private static String words(byte[] found, byte[] expected, int at) {
        if (at == expected.length) {
            return "goes on for " + Printable.plural(found.length - at, "byte") + " where the one made again ends";
        }
        if (at == found.length) {
            return "ends " + Printable.plural(expected.length - at, "byte") + " before the one made again";
        }
        if (!isText(found) || !isText(expected) || line(found, at).equals(line(expected, at))) {
            return "differs at byte " + at;
        }
        int line = 1;
        for (int i = 0; i < at; i++) {
            line += found[i] == '\n' ? 1 : 0;
        }
        return "differs in line " + line + ", found " + line(found, at) + ", made again " + line(expected, at);
    }

    private static boolean isText(byte[] content) {
        for (byte value : content) {
            if (value >= 0 && value < '\n') {
                return false;
            }
        }
        return true;
    }

    /** What stands around a byte in its line. */
    private static String line(byte[] content, int at) {
        int from = Math.min(at, content.length);
        while (from > 0 && content[from - 1] != '\n' && at - from < SHOWN) {
            from--;
        }
        int to = Math.min(at, content.length);
        while (to < content.length && content[to] != '\n' && to - at < SHOWN) {
            to++;
        }
        String text = new String(content, from, to - from, StandardCharsets.UTF_8).strip();
        return text.isEmpty() ? "an empty line" : Printable.quoted(text);
    }
}
