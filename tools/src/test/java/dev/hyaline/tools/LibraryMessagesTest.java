package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Who calls a library has no options of the command: its messages name the API, and the command says the same its way.
 */
final class LibraryMessagesTest {
    private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\\n]|\\\\.)*)\"");
    private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*");
    private static final Set<String> OF_THE_JVM = Set.of("--add-modules");

    @Test
    void librariesNameNoOptions() throws IOException {
        List<String> found = new ArrayList<>();
        int literals = 0;
        for (String module : List.of(
                "engine",
                "weights-loader",
                "weights-loader/files",
                "instrument",
                "instrument/corpora",
                "instrument/datasets",
                "analysis")) {
            try (Stream<Path> files = Files.walk(Path.of("..", module, "src", "main", "java"))) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    Matcher literal = LITERAL.matcher(Files.readString(file));
                    while (literal.find()) {
                        literals++;
                        OPTION.matcher(literal.group(1))
                                .results()
                                .filter(option -> !OF_THE_JVM.contains(option.group()))
                                .forEach(option -> found.add(file + ": " + option.group()));
                    }
                }
            }
        }
        assertThat(found).isEmpty();
        assertThat(literals).isGreaterThan(1000);
    }
}
