package dev.hyaline.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every example runs and leaves what it says. */
final class ExamplesTest {
    private static final Path SOURCES = Path.of("src/main/java/dev/hyaline/examples");

    @TempDir
    private Path folder;

    private String[] out() {
        return new String[] {folder.toString()};
    }

    @Test
    void looksInside() {
        LookInside.main(out());
        assertThat(folder.resolve("pattern.svg")).content().contains("Where head 4 of layer 2 looks");
    }

    @Test
    void findsTheHeads() throws IOException {
        FindTheHeads.main(out());
        assertThat(Files.readAllLines(folder.resolve("heads.csv"))).hasSize(1 + 4 * 8);
    }

    @Test
    void changesItsMind() throws IOException {
        ChangeItsMind.main(out());
        List<String> lines = Files.readAllLines(folder.resolve("steered.txt"));
        assertThat(lines).hasSize(4);
        assertThat(lines.getFirst()).contains(" because he");
        assertThat(lines.get(2)).startsWith("1.0 times").contains(" because she");
    }

    @Test
    void trainsADictionary() {
        TrainADictionary.main(new String[] {folder.resolve("pages").toString()});
        assertThat(folder.resolve("pages/index.html")).content().contains("fable");
    }

    @Test
    void asksAQuestion() throws IOException {
        AskAQuestion.main(out());
        assertThat(folder.resolve("study/7-report/report.html")).content().contains("Two heads of layer 1");
    }

    /** As the guide says: under 60 lines of code, and a script by itself. */
    @ParameterizedTest
    @ValueSource(strings = {"LookInside", "FindTheHeads", "ChangeItsMind", "TrainADictionary", "AskAQuestion"})
    void isAShortScript(String name) throws IOException {
        List<String> lines = Files.readAllLines(SOURCES.resolve(name + ".java"));
        assertThat(lines.getFirst()).startsWith("///usr/bin/env jbang");
        assertThat(lines).anyMatch(line -> line.startsWith("//DEPS dev.hyaline:"));
        Stream<String> code =
                lines.stream().filter(line -> !line.isBlank() && !line.startsWith("//") && !line.startsWith("import "));
        assertThat(code).hasSizeLessThan(60);
    }
}
