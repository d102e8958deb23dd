package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.instrument.json.InterventionJson;
import dev.hyaline.instrument.model.LanguageModel;
import dev.hyaline.tools.command.HelpCommand;
import dev.hyaline.tools.command.HyalineCommand;
import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The guides: what they show runs, and what they name is there. */
final class GuidesTest {
    private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)\\)");
    private static final Pattern HELP = Pattern.compile("`hyaline help ([a-z-]+)`");
    private static final Pattern BLOCK = Pattern.compile("```(\\w+)\n(.*?)```", Pattern.DOTALL);

    static List<String> guides() {
        return HelpCommand.guides();
    }

    private static List<String> lines(String guide, String language) {
        List<String> lines = new ArrayList<>();
        for (Matcher block = BLOCK.matcher(HelpCommand.guide(guide)); block.find(); ) {
            if (block.group(1).equals(language)) {
                block.group(2).lines().filter(line -> !line.isBlank()).forEach(lines::add);
            }
        }
        return lines;
    }

    private static Path file(String guide) throws IOException {
        for (LibraryModule module : LibraryModule.all()) {
            try (Stream<Path> files = Files.walk(module.folder().resolve("src/main/java"))) {
                Optional<Path> found = files.filter(file -> file.endsWith(Path.of("doc-files", guide + ".md")))
                        .findFirst();
                if (found.isPresent()) {
                    return found.get();
                }
            }
        }
        throw new AssertionError("no module has the guide " + guide);
    }

    /** Examples are regions of tests, which javadoc includes. */
    @Test
    void noExampleOfTheJavadocIsUntested() throws IOException {
        for (LibraryModule module : LibraryModule.all()) {
            try (Stream<Path> files = Files.walk(module.folder().resolve("src/main/java"))) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    assertThat(Files.readString(file)).as(file.toString()).doesNotContain("<pre>{@code", "{@snippet :");
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("guides")
    void isPrinted(String guide) {
        assertThat(Outcome.of("help", guide).succeeded().out()).startsWith(HelpCommand.guide(guide));
        assertThat(Outcome.of("help", "--help").succeeded().out().replaceAll("\\s+", " "))
                .contains(guide);
    }

    @ParameterizedTest
    @MethodSource("guides")
    void linksLeadSomewhere(String guide) throws IOException {
        String text = HelpCommand.guide(guide);
        Path folder = Objects.requireNonNull(file(guide).getParent());
        for (Matcher link = LINK.matcher(text); link.find(); ) {
            assertThat(folder.resolve(link.group(1)).normalize()).isRegularFile();
        }
        for (Matcher help = HELP.matcher(text); help.find(); ) {
            assertThat(guides()).contains(help.group(1));
        }
    }

    /** The arguments of every command line are parsed; what the commands do has tests of its own. */
    @ParameterizedTest
    @MethodSource("guides")
    void commandLinesAreRight(String guide) {
        Console console = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(Writer.nullWriter()),
                new PrintWriter(Writer.nullWriter()),
                false,
                false,
                Map.of());
        for (String line : lines(guide, "sh")) {
            List<String> arguments = new ArrayList<>();
            Matcher words = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)").matcher(line);
            while (words.find()) {
                arguments.add(Stream.of(1, 2, 3)
                        .map(words::group)
                        .filter(Objects::nonNull)
                        .findFirst()
                        .orElseThrow());
            }
            assertThat(arguments.removeFirst()).as(line).isEqualTo("hyaline");
            HyalineCommand.commandLine(arguments.getFirst(), console)
                    .setExpandAtFiles(false)
                    .parseArgs(arguments.toArray(String[]::new));
        }
    }

    @Test
    void theFileOfEditsIsRead() {
        String json = String.join("\n", lines("editing", "json"));
        try (LanguageModel fable = LanguageModel.open("fable")) {
            assertThat(fable.logits("Anna went to", InterventionJson.parse(json))
                            .toArray())
                    .isNotEqualTo(fable.logits("Anna went to").toArray());
        }
    }

    /** As in hyaline shell, with its imports. */
    @ParameterizedTest
    @MethodSource("guides")
    void javaRuns(String guide) throws IOException {
        List<String> code = lines(guide, "java");
        if (!code.isEmpty()) {
            runs(code);
        }
    }

    /** Every row of the table of calls: code runs, classes are there, commands exist. */
    @Test
    void theCallsForTransformerLenssAreTrue() throws IOException {
        List<String> code = new ArrayList<>(List.of(
                "var model = LanguageModel.open(\"fable\")",
                "var text = \"When Mary and John went to the store, John gave a drink to\"",
                "var cache = model.record(text)",
                "var weights = model.model().weights()",
                "var name = \"blocks.1.attn.hook_z\"",
                "java.util.function.Consumer<ActivationView> f = z -> {}",
                "var pairs = PromptPairs.of(model.config(), List.of(new PromptPair(\"a\", model.tokens(text),"
                        + " model.tokens(\"When Mary and John went to the store, Mary gave a drink to\"),"
                        + " new int[] {model.token(\" Mary\")}, new int[] {model.token(\" John\")}, Map.of())))",
                "var experiment = Experiment.start(model.model(), pairs, Metric.logitDifference())"));
        int rows = 0;
        for (String line : HelpCommand.guide("from-transformerlens").lines().toList()) {
            String[] cells = line.split("\\|", -1);
            if (cells.length != 4 || cells[1].isBlank() || cells[1].startsWith("---")) {
                continue;
            }
            rows++;
            for (Matcher span = Pattern.compile("`([^`]+)`").matcher(cells[2]); span.find(); ) {
                String called = span.group(1);
                if (called.startsWith("hyaline ")) {
                    assertThat(Outcome.of(called.substring("hyaline ".length()), "--help")
                                    .exitCode())
                            .isZero();
                } else if (called.matches("[A-Z]\\w+")) {
                    code.add(called + ".class");
                } else if (called.contains("(")) {
                    code.add(called.replace("\"gpt2\"", "\"fable\"")); // no test downloads
                }
            }
        }
        assertThat(rows).isGreaterThan(15);
        assertThat(code).hasSizeGreaterThan(20);
        runs(code);
    }

    private static void runs(List<String> code) throws IOException {
        List<String> all = new ArrayList<>(List.of("import java.nio.file.*;", "import java.util.*;"));
        try (InputStream startup = HyalineCommand.class.getResourceAsStream("startup.jsh")) {
            new String(startup.readAllBytes(), StandardCharsets.UTF_8).lines().forEach(all::add);
        }
        all.addAll(code);
        try (JShell shell = JShell.builder().executionEngine("local").build()) {
            shell.addToClasspath(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
            for (String line : all) {
                for (SnippetEvent event : shell.eval(
                        shell.sourceCodeAnalysis().analyzeCompletion(line).source())) {
                    assertThat(event.status())
                            .as(() -> line + "\n"
                                    + shell.diagnostics(event.snippet())
                                            .map(problem -> problem.getMessage(null))
                                            .toList())
                            .isEqualTo(Snippet.Status.VALID);
                    assertThat(event.exception()).as(line).isNull();
                }
            }
        }
    }

    @Test
    void helpOfCommandsAndOfNothing() {
        assertThat(Outcome.of("help", "sae", "train").succeeded().out()).contains("Usage: hyaline sae train");
        assertThat(Outcome.of("help").succeeded().out()).contains("Commands:", "start-here");
        Outcome unknown = Outcome.of("help", "nonsense");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.err()).contains("no command and no guide 'nonsense'", "start-here");
    }
}
