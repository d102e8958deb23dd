package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pages that commands write about prompts. */
final class PromptPagesTest {
    @TempDir
    private Path temporary;

    /** Each holds its views, says the command that gives it, and is the same file each time. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lens --prompt | lens | hyaline lens --prompt 'The dog'\\''s'",
                "heads --prompt | heads,tokens | hyaline heads --prompt 'The dog'\\''s'",
                "generate -n 3 --seed 5 --prompt | generation | hyaline generate -n 3 --seed 5 --prompt 'The dog'\\''s'"
            })
    void aCommandWritesAPage(String line, String views, String command) throws IOException {
        Path first = temporary.resolve("first.html");
        Path second = temporary.resolve("new/second.html");
        String[] begin = line.split(" ", -1);
        for (Path file : new Path[] {first, second}) {
            String[] arguments = Arrays.copyOf(begin, begin.length + 3);
            arguments[begin.length] = "The dog's";
            arguments[begin.length + 1] = "--html";
            arguments[begin.length + 2] = file.toString();
            assertThat(Outcome.of(arguments).succeeded().out()).contains("Wrote " + file);
        }
        String html = Files.readString(first);
        assertThat(html).isEqualTo(Files.readString(second)).doesNotContain("http:", "https:");
        for (String view : views.split(",", -1)) {
            assertThat(html).contains("data-view=\"" + view + "\"", "<section id=\"" + view + "\"");
        }
        assertThat(bodies(html)).contains("\"command\":\"" + command.replace("\\", "\\\\") + "\"");
    }

    /** The data of a page as text, numbers and all. */
    private static String bodies(String html) {
        StringBuilder text = new StringBuilder();
        Pattern.compile("data-title=\"[^\"]*\">([A-Za-z0-9+/=]+)</script>")
                .matcher(html)
                .results()
                .forEach(match ->
                        text.append(new String(Base64.getDecoder().decode(match.group(1)), StandardCharsets.UTF_8)));
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource({"lens --count 2", "heads --draws 2", "generate --prompt a --prompt b -n 2"})
    void severalPromptsHaveAPageToo(String line) throws IOException {
        Path file = temporary.resolve("page.html");
        Outcome.of((line + " --json --html " + file).split(" ", -1)).succeeded().json();
        assertThat(Files.readString(file)).startsWith("<!doctype html>").contains("importmap");
    }
}
